import { addDownflow } from '../days/queries.ts'
import { type DailySumsDeps, flushDaily } from './daily-sums.ts'
import type { FlushedSums } from './flushed-sums.ts'

/**
 * Bytes of blobs and manifests that pulls were served, by the account that they are of and by day: whole contents and
 * ranges, as many as were sent off. Each process writes to a shard of its own.
 */
export class TrafficCounter implements AsyncDisposable {
  readonly #sums: FlushedSums<string>

  constructor(deps: DailySumsDeps) {
    this.#sums = flushDaily(deps, addDownflow)
  }

  count(accountId: string, bytes: number): void {
    this.#sums.add(accountId, bytes)
  }

  flush(): Promise<void> {
    return this.#sums.flush()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#sums[Symbol.asyncDispose]()
  }
}
