import type { Transaction } from '../../../metadata/database.ts'

/** Adds counted pulls to their (day, repository, shard) rows; repositories that are gone by now are left out. */
export async function addPulls(
  tx: Transaction,
  pulls: { day: number; shard: number; counts: ReadonlyMap<number, number> },
): Promise<void> {
  const rows = [...pulls.counts].map(([repository_id, count]) => ({
    day: pulls.day,
    repository_id,
    shard: pulls.shard,
    pulls: count,
  }))
  await tx
    .insertInto('pulls')
    .values(rows)
    .onConflict(conflict =>
      conflict
        .columns(['repository_id', 'day', 'shard'])
        .doUpdateSet(eb => ({ pulls: eb('pulls.pulls', '+', eb.ref('excluded.pulls')) })),
    )
    .execute()
}
