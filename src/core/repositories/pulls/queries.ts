import type { Transaction } from '../../../metadata/database.ts'
import type { DailySums } from '../../quotas/traffic/daily-sums.ts'
import { addToTotals } from '../../totals.ts'

/**
 * Adds the counts of at most some hundred repositories to their (day, repository, shard) rows and to their totals; those
 * gone are left out.
 */
export async function addPulls(tx: Transaction, pulls: DailySums<number>): Promise<void> {
  const found = await tx
    .selectFrom('repositories')
    .select('id')
    .where(
      'id',
      'in',
      pulls.sums.map(([id]) => id),
    )
    .execute()
  const existing = new Set(found.map(row => row.id))
  const rows = pulls.sums
    .filter(([id]) => existing.has(id))
    .map(([repository_id, count]) => ({ day: pulls.day, repository_id, shard: pulls.shard, pulls: count }))
  if (rows.length === 0) return
  await tx
    .insertInto('pulls')
    .values(rows)
    .onConflict(conflict =>
      conflict
        .columns(['repository_id', 'day', 'shard'])
        .doUpdateSet(eb => ({ pulls: eb('pulls.pulls', '+', eb.ref('excluded.pulls')) })),
    )
    .execute()
  await addToTotals(
    tx,
    rows.map(row => ({ owner: `repository:${row.repository_id}`, metric: 'pulls', delta: row.pulls })),
  )
}
