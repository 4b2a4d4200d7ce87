import { type SqlBool, sql } from 'kysely'
import type { Reader, Transaction } from '../../../metadata/database.ts'
import { insertion, perShape, statement } from '../../../metadata/statement.ts'
import type { Row } from '../../../metadata/tables.ts'

export async function insertSession(tx: Transaction, row: Row<'upload_sessions'>): Promise<void> {
  await insertSessions(tx, [row])
}

const insertSessions = insertion('upload_sessions', [
  'id',
  'repository_id',
  'actor_id',
  'algorithm',
  'offset_bytes',
  'digest_so_far',
  'store_state',
  'lease_id',
  'lease_until_ms',
  'created_ms',
  'expires_ms',
])

export type SessionKey = { id: string; repositoryId: number; actorId: string }

/** A session by its id, its repository and its actor together; another's session is not there. */
export async function findSession(
  db: Reader,
  key: SessionKey,
  nowMs: number,
): Promise<Row<'upload_sessions'> | undefined> {
  return db
    .selectFrom('upload_sessions')
    .selectAll()
    .where('id', '=', key.id)
    .where('repository_id', '=', key.repositoryId)
    .where('actor_id', '=', key.actorId)
    .where('expires_ms', '>', nowMs)
    .executeTakeFirst()
}

/** Takes the session for one writer until `untilMs`; undefined when it is taken or not there. */
export async function claimSession(
  tx: Transaction,
  key: SessionKey,
  lease: { id: string; nowMs: number; untilMs: number },
): Promise<Row<'upload_sessions'> | undefined> {
  const { id: leaseId, nowMs, untilMs } = lease
  return sessionClaim.first(tx, { ...key, leaseId, nowMs, untilMs })
}

type Claim = SessionKey & { leaseId: string; nowMs: number; untilMs: number }

const sessionClaim = statement((db, { id, repositoryId, actorId, leaseId, nowMs, untilMs }: Claim) =>
  db
    .updateTable('upload_sessions')
    .set({ lease_id: leaseId, lease_until_ms: untilMs })
    .where('id', '=', id)
    .where('repository_id', '=', repositoryId)
    .where('actor_id', '=', actorId)
    .where('expires_ms', '>', nowMs)
    .where(eb => eb.or([eb('lease_id', 'is', null), eb('lease_until_ms', '<', nowMs)]))
    .returningAll(),
)

/** Lets every session go: whoever held one died with its process. */
export async function releaseSessions(tx: Transaction): Promise<void> {
  await tx
    .updateTable('upload_sessions')
    .set({ lease_id: null, lease_until_ms: 0 })
    .where('lease_id', 'is not', null)
    .execute()
}

/** True while nobody else may have taken the session. */
export async function isSessionHeld(
  db: Reader,
  held: { id: string; leaseId: string; nowMs: number },
): Promise<boolean> {
  const row = await db
    .selectFrom('upload_sessions')
    .select('id')
    .where('id', '=', held.id)
    .where('lease_id', '=', held.leaseId)
    .where('lease_until_ms', '>=', held.nowMs)
    .executeTakeFirst()
  return row !== undefined
}

/** Changes a session that is still held under this lease; false when it was lost. */
export async function updateHeldSession(
  tx: Transaction,
  held: { id: string; leaseId: string },
  change: Partial<Row<'upload_sessions'>>,
): Promise<boolean> {
  const columns = Object.keys(change).join(' ')
  return (await heldSessionUpdate(columns).change(tx, { ...change, heldId: held.id, heldLease: held.leaseId })) > 0
}

const heldSessionUpdate = perShape((columns: string) =>
  statement((db, values: Partial<Row<'upload_sessions'>> & { heldId: string; heldLease: string }) =>
    db
      .updateTable('upload_sessions')
      .set(Object.fromEntries(columns.split(' ').map(column => [column, values[column as keyof typeof values]])))
      .where('id', '=', values.heldId)
      .where('lease_id', '=', values.heldLease),
  ),
)

/** Removes a session that is still held under this lease; false when it was lost. */
export async function deleteHeldSession(tx: Transaction, held: { id: string; leaseId: string }): Promise<boolean> {
  return (await heldSessionDelete.change(tx, held)) > 0
}

const heldSessionDelete = statement((db, held: { id: string; leaseId: string }) =>
  db.deleteFrom('upload_sessions').where('id', '=', held.id).where('lease_id', '=', held.leaseId),
)

/** Sessions past their time that nobody is writing to, behind one, the oldest first. */
export async function expiredSessions(
  db: Reader,
  page: { after: Pick<Row<'upload_sessions'>, 'expires_ms' | 'id'> | undefined; limit: number; nowMs: number },
): Promise<Row<'upload_sessions'>[]> {
  const { after, limit, nowMs } = page
  return db
    .selectFrom('upload_sessions')
    .selectAll()
    .where('expires_ms', '<=', nowMs)
    .where('lease_until_ms', '<', nowMs)
    .$if(after !== undefined, rows =>
      rows.where(sql<SqlBool>`(expires_ms, id) > (${after?.expires_ms ?? 0}, ${after?.id ?? ''})`),
    )
    .orderBy('expires_ms')
    .orderBy('id')
    .limit(limit)
    .execute()
}

export async function deleteExpiredSessions(tx: Transaction, ids: readonly string[], nowMs: number): Promise<void> {
  await tx.deleteFrom('upload_sessions').where('id', 'in', ids).where('expires_ms', '<=', nowMs).execute()
}

/** For a restored copy: staged bytes of uploads under way are no part of it. */
export async function deleteAllSessions(tx: Transaction): Promise<void> {
  await tx.deleteFrom('upload_sessions').execute()
}
