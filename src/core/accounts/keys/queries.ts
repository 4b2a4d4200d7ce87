import type { Database, PreparedQuery, Reader, Transaction } from '../../../metadata/database.ts'
import { lockRow, skipLockedRow } from '../../../metadata/dialects.ts'
import type { NewRow } from '../../../metadata/tables.ts'
import type { Page } from '../queries.ts'

/** An access key or a temporary one that counts, joined with whom it stands for. */
export type KeyRow = {
  id: string
  /** Null for a token that is no key. */
  sealed_secret: Uint8Array | null
  key_epoch: number
  is_temporary: number
  parent_id: string | null
  token_hash: Uint8Array | null
  expires_ms: number | null
  user_id: string
  user_name: string
  user_epoch: number
  account_id: string
  account_name: string
}

/**
 * `$1` id of the key, `$2` the time. A key that is disabled or expired, or of a user who is disabled or logs in by the
 * password alone, answers no row, and neither does a temporary one whose user or parent has moved on: like one that never
 * was. Compiled once: signed calls and docker logins begin with it.
 */
export function keyQuery(db: Database): PreparedQuery<KeyRow> {
  return db.prepare<KeyRow>(
    'key',
    `select k.id, k.sealed_secret, k.epoch as key_epoch, 0 as is_temporary, null as parent_id,
            null as token_hash, null as expires_ms, u.id as user_id, u.name as user_name,
            u.epoch as user_epoch, u.account_id, a.name as account_name
     from access_keys k
     join users u on u.id = k.user_id and u.is_enabled = 1 and u.access_mode <> 'console'
     join accounts a on a.id = u.account_id
     where k.id = $1 and k.is_enabled = 1
     union all
     select t.id, t.sealed_secret, coalesce(t.parent_epoch, 0), 1, t.parent_id, t.token_hash, t.expires_ms,
            u.id, u.name, u.epoch, u.account_id, a.name
     from temporary_keys t
     join users u on u.id = t.user_id and u.epoch = t.user_epoch and u.is_enabled = 1
     join accounts a on a.id = u.account_id
     left join access_keys p on p.id = t.parent_id
     where t.id = $1 and t.expires_ms > $2
       and (t.parent_id is null or (p.is_enabled = 1 and p.epoch = t.parent_epoch))`,
  )
}

/** False when it is gone. What is made with it is part of the same transaction, and waits for one that revokes it. */
export async function holdTemporaryKey(engine: Database['engine'], tx: Transaction, id: string): Promise<boolean> {
  const row = tx.selectFrom('temporary_keys').select('id').where('id', '=', id)
  return (await lockRow(engine, row).executeTakeFirst()) !== undefined
}

/** False when there is such a key, of whatever kind. */
export async function insertTemporaryKey(tx: Transaction, row: NewRow<'temporary_keys'>): Promise<boolean> {
  const isTaken = await tx.selectFrom('access_keys').select('id').where('id', '=', row.id).executeTakeFirst()
  if (isTaken) return false
  const added = await tx
    .insertInto('temporary_keys')
    .values(row)
    .onConflict(on => on.doNothing())
    .returning('id')
    .execute()
  return added.length > 0
}

export type ListedTemporaryKey = {
  id: string
  userName: string
  /** `security-token`: signs requests; `docker`: logs in only; `bearer`: a token that logs in. */
  kind: 'security-token' | 'docker' | 'bearer'
  createdMs: number
  expiresMs: number
}

/** Those of an account that have not expired, by id. */
export async function selectTemporaryKeys(
  db: Reader,
  of: { accountId: string; nowMs: number },
  { after = '', limit }: Page,
): Promise<ListedTemporaryKey[]> {
  const rows = await db
    .selectFrom('temporary_keys as t')
    .innerJoin('users as u', 'u.id', 't.user_id')
    .select(['t.id', 'u.name', 't.created_ms', 't.expires_ms', 't.token_hash'])
    .select(eb => eb('t.sealed_secret', 'is not', null).as('has_secret'))
    .where('u.account_id', '=', of.accountId)
    .where('t.expires_ms', '>', of.nowMs)
    .where('t.id', '>', after)
    .orderBy('t.id')
    .limit(limit)
    .execute()
  return rows.map(row => ({
    id: row.id,
    userName: row.name,
    kind: !row.has_secret ? 'bearer' : row.token_hash === null ? 'docker' : 'security-token',
    createdMs: row.created_ms,
    expiresMs: row.expires_ms,
  }))
}

/** Removes a key with what was made with it. Answers the id of its user; undefined where the account has no such key. */
export async function deleteTemporaryKey(
  tx: Transaction,
  key: { accountId: string; id: string },
): Promise<string | undefined> {
  const deleted = await tx
    .deleteFrom('temporary_keys')
    .where(eb => eb.or([eb('id', '=', key.id), eb('made_with', '=', key.id)]))
    .where('user_id', 'in', eb => eb.selectFrom('users').select('id').where('account_id', '=', key.accountId))
    .returning('user_id')
    .execute()
  return deleted[0]?.user_id
}

/** Removes at most `limit` keys that have expired; returns how many. */
export async function deleteExpiredTemporaryKeys(tx: Transaction, nowMs: number, limit: number): Promise<number> {
  const deleted = await tx
    .deleteFrom('temporary_keys')
    .where('id', 'in', eb =>
      eb.selectFrom('temporary_keys').select('id').where('expires_ms', '<=', nowMs).orderBy('expires_ms').limit(limit),
    )
    .returning('id')
    .execute()
  return deleted.length
}

/**
 * Notes a signature, and answers when it was used for the first time: `row.first_ms` where that is now. Of requests that
 * come at once with the same signature one is the first.
 */
export async function upsertUsedSignature(tx: Transaction, row: NewRow<'used_signatures'>): Promise<number> {
  const { first_ms } = await tx
    .insertInto('used_signatures')
    .values(row)
    // Changes nothing, but answers the row that is there.
    .onConflict(on => on.column('signature').doUpdateSet(eb => ({ first_ms: eb.ref('used_signatures.first_ms') })))
    .returning('first_ms')
    .executeTakeFirstOrThrow()
  return first_ms
}

/** Removes at most `limit` signatures whose time is over, but for those that another removes; returns how many. */
export async function deleteExpiredSignatures(
  engine: Database['engine'],
  tx: Transaction,
  { nowMs, limit }: { nowMs: number; limit: number },
): Promise<number> {
  const expired = tx
    .selectFrom('used_signatures')
    .select('signature')
    .where('expires_ms', '<=', nowMs)
    .orderBy('expires_ms')
    .limit(limit)
  const deleted = await tx
    .deleteFrom('used_signatures')
    .where('signature', 'in', skipLockedRow(engine, expired))
    .returning('first_ms')
    .execute()
  return deleted.length
}
