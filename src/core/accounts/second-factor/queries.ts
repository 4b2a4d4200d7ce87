import type { Database, Reader, Transaction } from '../../../metadata/database.ts'
import { lockRow } from '../../../metadata/dialects.ts'
import type { NewRow, Row } from '../../../metadata/tables.ts'

/** The device of a user of this account, held until the transaction ends where it is asked for in one. */
export async function findDevice(
  db: Reader,
  user: { id: string; accountId: string },
  engine?: Database['engine'],
): Promise<Row<'second_factors'> | undefined> {
  const found = db
    .selectFrom('second_factors')
    .selectAll()
    .where('user_id', '=', user.id)
    .where('user_id', 'in', eb => eb.selectFrom('users').select('id').where('account_id', '=', user.accountId))
  return (engine === undefined ? found : lockRow(engine, found)).executeTakeFirst()
}

/** The bound devices of an account, by user. */
export async function selectDevices(
  db: Reader,
  accountId: string,
  limit: number,
): Promise<{ userId: string; name: string }[]> {
  const rows = await db
    .selectFrom('second_factors as s')
    .innerJoin('users as u', 'u.id', 's.user_id')
    .select(['s.user_id', 's.name'])
    .where('u.account_id', '=', accountId)
    .where('s.is_bound', '=', 1)
    .orderBy('s.user_id')
    .limit(limit)
    .execute()
  return rows.map(row => ({ userId: row.user_id, name: row.name }))
}

/** In the place of one that was never bound; false where one is. */
export async function insertDevice(tx: Transaction, row: NewRow<'second_factors'>): Promise<boolean> {
  const added = await tx
    .insertInto('second_factors')
    .values(row)
    .onConflict(on =>
      on
        .column('user_id')
        .doUpdateSet({ name: row.name, sealed_secret: row.sealed_secret, created_ms: row.created_ms })
        .where('second_factors.is_bound', '=', 0),
    )
    .returning('user_id')
    .execute()
  return added.length > 0
}

/** Notes that codes up to `step` are used, and that the device is bound. False where a later one was. */
export async function useDevice(tx: Transaction, userId: string, step: number): Promise<boolean> {
  const used = await tx
    .updateTable('second_factors')
    .set({ last_step: step, is_bound: 1 })
    .where('user_id', '=', userId)
    .where('last_step', '<', step)
    .returning('user_id')
    .execute()
  return used.length > 0
}

/** False when there was none. */
export async function deleteDevice(tx: Transaction, userId: string): Promise<boolean> {
  const deleted = await tx.deleteFrom('second_factors').where('user_id', '=', userId).returning('user_id').execute()
  return deleted.length > 0
}
