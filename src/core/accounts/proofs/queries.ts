import type { Database, PreparedQuery, Reader, Transaction } from '../../../metadata/database.ts'
import type { NewRow, Row } from '../../../metadata/tables.ts'

/** A keystone token that counts, joined with whom it stands for. */
export type KeystoneTokenRow = {
  user_id: string
  user_name: string
  user_epoch: number
  role: string
  account_id: string
  account_name: string
  scope: string
  project_id: string | null
  project_name: string | null
  issued_ms: number
  expires_ms: number
  methods: string
}

/**
 * `$1` hash of the token, `$2` the time. A token of a user who is disabled or whose epoch has moved on answers no row,
 * like one that never was. Compiled once: every management call begins with it.
 */
export function keystoneTokenQuery(db: Database): PreparedQuery<KeystoneTokenRow> {
  return db.prepare<KeystoneTokenRow>(
    'keystone-token',
    `select t.user_id, u.name as user_name, t.user_epoch, u.role, u.account_id, a.name as account_name,
            t.scope, p.id as project_id, p.name as project_name, t.issued_ms, t.expires_ms, t.methods
     from keystone_tokens t
     join users u on u.id = t.user_id and u.epoch = t.user_epoch and u.is_enabled = 1
     join accounts a on a.id = u.account_id
     left join projects p on p.id = t.project_id and p.account_id = u.account_id
     where t.token_hash = $1 and t.expires_ms > $2`,
  )
}

export async function insertKeystoneToken(tx: Transaction, row: NewRow<'keystone_tokens'>): Promise<void> {
  await tx.insertInto('keystone_tokens').values(row).execute()
}

/** False when there was none. */
export async function deleteKeystoneToken(tx: Transaction, tokenHash: Uint8Array): Promise<boolean> {
  const deleted = await tx
    .deleteFrom('keystone_tokens')
    .where('token_hash', '=', tokenHash)
    .returning('user_id')
    .execute()
  return deleted.length > 0
}

/** Removes at most `limit` tokens that have expired; returns how many. */
export async function deleteExpiredKeystoneTokens(tx: Transaction, nowMs: number, limit: number): Promise<number> {
  const deleted = await tx
    .deleteFrom('keystone_tokens')
    .where('token_hash', 'in', eb =>
      eb
        .selectFrom('keystone_tokens')
        .select('token_hash')
        .where('expires_ms', '<=', nowMs)
        .orderBy('expires_ms')
        .limit(limit),
    )
    .returning('user_id')
    .execute()
  return deleted.length
}

/** `$1` hash of name and address, `$2` the time; a row where the login is refused. Compiled once: every login asks it. */
export function loginRefusalQuery(db: Database): PreparedQuery<{ until_ms: number }> {
  return db.prepare('login-refusal', 'select until_ms from login_refusals where login_hash = $1 and until_ms > $2')
}

/** Adds or prolongs one, unless there are `most` already. */
export async function insertRefusal(tx: Transaction, row: NewRow<'login_refusals'>, most: number): Promise<void> {
  const { rows } = await tx
    .selectFrom('login_refusals')
    .select(({ fn }) => fn.countAll<number>().as('rows'))
    .executeTakeFirstOrThrow()
  if (rows >= most) return
  await tx
    .insertInto('login_refusals')
    .values(row)
    .onConflict(on => on.column('login_hash').doUpdateSet({ until_ms: row.until_ms }))
    .execute()
}

/** Removes those that are over; returns how many. There are never many of them. */
export async function deleteExpiredRefusals(tx: Transaction, nowMs: number): Promise<number> {
  const deleted = await tx.deleteFrom('login_refusals').where('until_ms', '<=', nowMs).returning('until_ms').execute()
  return deleted.length
}

/** The key that signs for the longest time yet, if one signs at all. */
export async function findSigningKeyInUse(db: Reader, nowMs: number): Promise<Row<'signing_keys'> | undefined> {
  return db
    .selectFrom('signing_keys')
    .selectAll()
    .where('signs_until_ms', '>', nowMs)
    .orderBy('signs_until_ms', 'desc')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
}

/** The public halves of the keys whose tokens are still accepted, the newest first. */
export async function findVerifyingKeys(
  db: Reader,
  { nowMs, limit }: { nowMs: number; limit: number },
): Promise<Pick<Row<'signing_keys'>, 'id' | 'algorithm' | 'public_jwk' | 'expires_ms'>[]> {
  return db
    .selectFrom('signing_keys')
    .select(['id', 'algorithm', 'public_jwk', 'expires_ms'])
    .where('expires_ms', '>', nowMs)
    .orderBy('expires_ms', 'desc')
    .orderBy('id')
    .limit(limit)
    .execute()
}

export async function insertSigningKey(tx: Transaction, row: NewRow<'signing_keys'>): Promise<void> {
  await tx.insertInto('signing_keys').values(row).execute()
}

export async function deleteExpiredSigningKeys(tx: Transaction, nowMs: number): Promise<number> {
  const deleted = await tx.deleteFrom('signing_keys').where('expires_ms', '<=', nowMs).returning('id').execute()
  return deleted.length
}

/** The check value of the encryption key is a setting of the installation. */
export { findSetting, insertSetting } from '../../access/settings/queries.ts'
