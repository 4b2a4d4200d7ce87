import type { Reader, Transaction } from '../../../metadata/database.ts'

/** What the installation keeps under this key; undefined when it keeps nothing. */
export async function findSetting(db: Reader, key: string): Promise<string | undefined> {
  return (await db.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst())?.value
}

/** Sets what was never set; false when it was. Waits for a transaction that is setting the same key. */
export async function insertSetting(tx: Transaction, key: string, value: string): Promise<boolean> {
  const added = await tx
    .insertInto('settings')
    .values({ key, value })
    .onConflict(on => on.doNothing())
    .returning('key')
    .execute()
  return added.length > 0
}

export async function upsertSetting(tx: Transaction, key: string, value: string): Promise<void> {
  await tx
    .insertInto('settings')
    .values({ key, value })
    .onConflict(conflict => conflict.column('key').doUpdateSet({ value }))
    .execute()
}

/** False when there was none. */
export async function deleteSetting(tx: Transaction, key: string): Promise<boolean> {
  const { numDeletedRows } = await tx.deleteFrom('settings').where('key', '=', key).executeTakeFirst()
  return numDeletedRows > 0n
}
