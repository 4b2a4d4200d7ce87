import type { Reader, Transaction } from '../metadata/database.ts'
import { insertion } from '../metadata/statement.ts'

/**
 * Numbers that are read often and changed by many at once (tags of a repository, bytes of an account). A
 * change only inserts a delta row, so no two writers meet in one hot row; a job folds deltas into the base.
 */
export type TotalOwner = `organization:${number}` | `repository:${number}` | `account:${string}`
/** `shared`: repositories that are shared with other accounts; `received`: those that other accounts share with one. */
export type Metric =
  | 'organizations'
  | 'repositories'
  | 'tags'
  | 'bytes'
  | 'pulls'
  | 'downflow'
  | 'shared'
  | 'received'
  | 'retention_log'

/** Adds to a total, in the transaction of the change it counts. */
export async function addToTotal(tx: Transaction, owner: TotalOwner, metric: Metric, delta: number): Promise<void> {
  if (delta !== 0) await insertDeltas(tx, [{ owner, metric, delta }])
}

/** Adds to many totals at once, some hundred at most; one row for each that changes. */
export async function addToTotals(
  tx: Transaction,
  changes: readonly { owner: TotalOwner; metric: Metric; delta: number }[],
): Promise<void> {
  const sums = new Map<string, { owner: TotalOwner; metric: Metric; delta: number }>()
  for (const { owner, metric, delta } of changes) {
    const key = `${owner} ${metric}`
    sums.set(key, { owner, metric, delta: (sums.get(key)?.delta ?? 0) + delta })
  }
  const rows = [...sums.values()].filter(row => row.delta !== 0)
  await insertDeltas(tx, rows)
}

const insertDeltas = insertion('total_deltas', ['owner', 'metric', 'delta'])

/** Base plus deltas for each owner, 0 where nothing was ever counted. One query for the whole page. */
export async function readTotals(
  db: Reader,
  owners: readonly TotalOwner[],
): Promise<(owner: TotalOwner, metric: Metric) => number> {
  const sums = new Map<string, number>()
  if (owners.length > 0) {
    const base = db.selectFrom('totals').select(['owner', 'metric', 'value as amount']).where('owner', 'in', owners)
    const deltas = db
      .selectFrom('total_deltas')
      .select(['owner', 'metric', 'delta as amount'])
      .where('owner', 'in', owners)
    for (const row of await base.unionAll(deltas).execute()) {
      const key = `${row.owner} ${row.metric}`
      sums.set(key, (sums.get(key) ?? 0) + row.amount)
    }
  }
  return (owner, metric) => sums.get(`${owner} ${metric}`) ?? 0
}

/**
 * Folds at most `limit` deltas into their bases; returns how many. Any number of processes may do so at once: what is
 * added is what this transaction really removed, so no delta counts twice.
 */
export async function foldTotals(tx: Transaction, limit: number): Promise<number> {
  const rows = await tx
    .deleteFrom('total_deltas')
    .where('id', 'in', tx.selectFrom('total_deltas').select('id').orderBy('id').limit(limit))
    .returning(['owner', 'metric', 'delta'])
    .execute()
  const sums = new Map<string, { owner: string; metric: string; value: number }>()
  for (const row of rows) {
    const sum = sums.get(`${row.owner} ${row.metric}`) ?? { owner: row.owner, metric: row.metric, value: 0 }
    sums.set(`${row.owner} ${row.metric}`, { ...sum, value: sum.value + row.delta })
  }
  if (rows.length === 0) return 0
  await tx
    .insertInto('totals')
    .values([...sums.values()])
    .onConflict(conflict =>
      conflict
        .columns(['owner', 'metric'])
        .doUpdateSet(eb => ({ value: eb('totals.value', '+', eb.ref('excluded.value')) })),
    )
    .execute()
  return rows.length
}

/**
 * Forgets all that was counted of an owner that is gone. Deltas first: where a job folds them at the moment, this waits
 * for it, and then finds what it made of them.
 */
export async function deleteTotals(tx: Transaction, owner: TotalOwner): Promise<void> {
  await tx.deleteFrom('total_deltas').where('owner', '=', owner).execute()
  await tx.deleteFrom('totals').where('owner', '=', owner).execute()
}
