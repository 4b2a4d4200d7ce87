import type { Database } from '../../../metadata/database.ts'
import type { Clock } from '../../clock.ts'
import { dayOf } from '../../quotas/days/day.ts'
import { FlushedSums } from '../../quotas/traffic/flushed-sums.ts'
import { addPulls } from './queries.ts'

const repositoriesPerWrite = 500

/**
 * Pulls per repository and day, summed in memory and written at most ten seconds later. Each process writes to a shard of
 * its own, so replicas never meet in a row.
 */
export class PullCounter implements AsyncDisposable {
  readonly #sums: FlushedSums<number>

  constructor(deps: {
    db: Database
    clock: Clock
    shard: number
    flushEveryMs?: number
    /** Told of counts that could not be written; they are kept for the next time. */
    onFailure?: (error: unknown) => void
  }) {
    this.#sums = new FlushedSums({
      ...deps,
      mostPerWrite: repositoriesPerWrite,
      write: counts => {
        const pulls = { day: dayOf(deps.clock.nowMs()), shard: deps.shard, counts }
        return deps.db.write(tx => addPulls(tx, pulls), { survives: 'crash' })
      },
    })
  }

  count(repositoryId: number): void {
    this.#sums.add(repositoryId, 1)
  }

  flush(): Promise<void> {
    return this.#sums.flush()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#sums[Symbol.asyncDispose]()
  }
}
