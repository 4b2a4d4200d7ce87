import { sql } from 'kysely'
import type { Reader, Transaction } from '../../../metadata/database.ts'
import { addToTotals } from '../../totals.ts'
import type { DailySums } from '../traffic/daily-sums.ts'

/** `downflow`: bytes served to pulls on the day; `store`: bytes stored when it was looked at last. */
export type DailyKind = 'downflow' | 'store'

/** Adds bytes served, of some hundred accounts at most, to their (account, day, shard) rows and to their totals. */
export async function addDownflow(tx: Transaction, { day, shard, sums }: DailySums<string>): Promise<void> {
  const rows = sums.map(([account_id, bytes]) => ({ account_id, kind: 'downflow', day, shard, bytes }))
  await tx
    .insertInto('account_days')
    .values(rows)
    .onConflict(conflict =>
      conflict
        .columns(['account_id', 'kind', 'day', 'shard'])
        .doUpdateSet(eb => ({ bytes: eb('account_days.bytes', '+', eb.ref('excluded.bytes')) })),
    )
    .execute()
  await addToTotals(
    tx,
    sums.map(([accountId, bytes]) => ({ owner: `account:${accountId}`, metric: 'downflow', delta: bytes })),
  )
}

/** Accounts behind an id, in the order of their ids. */
export async function pageOfAccounts(db: Reader, page: { after: string; limit: number }): Promise<string[]> {
  const rows = await db
    .selectFrom('accounts')
    .select('id')
    .where('id', '>', page.after)
    .orderBy('id')
    .limit(page.limit)
    .execute()
  return rows.map(row => row.id)
}

/** Notes what accounts, some hundred at most, store on this day; what was noted of it before is written over. */
export async function setStored(
  tx: Transaction,
  day: number,
  stored: readonly { accountId: string; bytes: number }[],
): Promise<void> {
  await tx
    .insertInto('account_days')
    .values(stored.map(({ accountId, bytes }) => ({ account_id: accountId, kind: 'store', day, shard: 0, bytes })))
    .onConflict(conflict =>
      conflict.columns(['account_id', 'kind', 'day', 'shard']).doUpdateSet(eb => ({ bytes: eb.ref('excluded.bytes') })),
    )
    .execute()
}

/** Bytes by day, from one on; days without a row are not in the map. */
export async function bytesByDay(
  db: Reader,
  query: { accountId: string; kind: DailyKind; fromDay: number },
): Promise<ReadonlyMap<number, number>> {
  const rows = await db
    .selectFrom('account_days')
    .select(['day', sql<number>`cast(sum(bytes) as bigint)`.as('bytes')])
    .where('account_id', '=', query.accountId)
    .where('kind', '=', query.kind)
    .where('day', '>=', query.fromDay)
    .groupBy('day')
    .execute()
  return new Map(rows.map(row => [row.day, row.bytes]))
}

/** What was noted last before a day. */
export async function findStoredBefore(db: Reader, accountId: string, day: number): Promise<number | undefined> {
  const row = await db
    .selectFrom('account_days')
    .select('bytes')
    .where('account_id', '=', accountId)
    .where('kind', '=', 'store')
    .where('day', '<', day)
    .orderBy('day', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.bytes
}
