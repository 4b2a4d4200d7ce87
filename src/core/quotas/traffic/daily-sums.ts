import type { Database, Transaction } from '../../../metadata/database.ts'
import type { Clock } from '../../clock.ts'
import { dayOf } from '../days/day.ts'
import { FlushedSums } from './flushed-sums.ts'

export type DailySumsDeps = {
  db: Database
  clock: Clock
  /** Each process writes to a shard of its own, so replicas never meet in a row. */
  shard: number
  flushEveryMs?: number
  /** Told of sums that could not be written; they are kept for the next time. */
  onFailure?: (error: unknown) => void
}

/** Some hundred sums of a day, to be added to the rows of a shard. */
export type DailySums<Key> = { day: number; shard: number; sums: readonly (readonly [key: Key, amount: number])[] }

const mostPerWrite = 500

/** Sums that are added to the rows of the day on which they are written. */
export function flushDaily<Key extends string | number>(
  deps: DailySumsDeps,
  add: (tx: Transaction, sums: DailySums<Key>) => Promise<void>,
): FlushedSums<Key> {
  const { db, clock, shard } = deps
  return new FlushedSums({
    ...deps,
    mostPerWrite,
    write: sums => db.write(tx => add(tx, { day: dayOf(clock.nowMs()), shard, sums }), { survives: 'crash' }),
  })
}
