import { type DailySumsDeps, flushDaily } from '../../quotas/traffic/daily-sums.ts'
import type { FlushedSums } from '../../quotas/traffic/flushed-sums.ts'
import { addPulls } from './queries.ts'

/**
 * Pulls per repository and day, summed in memory and written at most ten seconds later. Each process writes to a shard of
 * its own, so replicas never meet in a row.
 */
export class PullCounter implements AsyncDisposable {
  readonly #sums: FlushedSums<number>

  constructor(deps: DailySumsDeps) {
    this.#sums = flushDaily(deps, addPulls)
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
