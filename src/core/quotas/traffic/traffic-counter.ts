import type { Database } from '../../../metadata/database.ts'
import type { Clock } from '../../clock.ts'
import { dayOf } from '../days/day.ts'
import { addDownflow } from '../days/queries.ts'
import { FlushedSums } from './flushed-sums.ts'

const accountsPerWrite = 500

/**
 * Bytes of blobs and manifests that pulls were served, by the account that they are of and by day: whole contents and
 * ranges, as many as were sent off. Each process writes to a shard of its own.
 */
export class TrafficCounter implements AsyncDisposable {
  readonly #sums: FlushedSums<string>

  constructor(deps: {
    db: Database
    clock: Clock
    shard: number
    flushEveryMs?: number
    onFailure?: (error: unknown) => void
  }) {
    this.#sums = new FlushedSums({
      ...deps,
      mostPerWrite: accountsPerWrite,
      write: sums => {
        const served = { day: dayOf(deps.clock.nowMs()), shard: deps.shard, sums }
        return deps.db.write(tx => addDownflow(tx, served), { survives: 'crash' })
      },
    })
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
