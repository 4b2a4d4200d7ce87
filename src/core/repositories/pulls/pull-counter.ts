import type { Database } from '../../../metadata/database.ts'
import type { Clock } from '../../clock.ts'
import { addPulls } from './queries.ts'

const dayMs = 86_400_000
/** Both engines limit the parameters of a statement. */
const repositoriesPerWrite = 500

/**
 * Pulls per repository and day, summed in memory and written at most ten seconds later: the one figure that a kill may
 * lose. Each process writes to a shard of its own, so replicas never meet in a row.
 */
export class PullCounter implements AsyncDisposable {
  readonly #db: Database
  readonly #clock: Clock
  readonly #shard: number
  #counts = new Map<number, number>()
  #timer: Timer | undefined

  constructor(deps: {
    db: Database
    clock: Clock
    shard: number
    flushEveryMs?: number
    /** Told of counts that could not be written; they are kept for the next time. */
    onFailure?: (error: unknown) => void
  }) {
    this.#db = deps.db
    this.#clock = deps.clock
    this.#shard = deps.shard
    this.#timer = setInterval(
      () => void this.flush().catch(error => deps.onFailure?.(error)),
      deps.flushEveryMs ?? 10_000,
    )
    this.#timer.unref()
  }

  count(repositoryId: number): void {
    this.#counts.set(repositoryId, (this.#counts.get(repositoryId) ?? 0) + 1)
  }

  /** Writes what was counted. On failure the counts are kept for the next time. */
  async flush(): Promise<void> {
    if (this.#counts.size === 0) return
    const waiting = [...this.#counts].sort(([a], [b]) => a - b)
    this.#counts = new Map()
    const day = Math.floor(this.#clock.nowMs() / dayMs)
    try {
      while (waiting.length > 0) {
        const counts = waiting.slice(0, repositoriesPerWrite)
        await this.#db.write(tx => addPulls(tx, { day, shard: this.#shard, counts }), { survives: 'crash' })
        waiting.splice(0, counts.length)
      }
    } catch (error) {
      for (const [repositoryId, pulls] of waiting) {
        this.#counts.set(repositoryId, (this.#counts.get(repositoryId) ?? 0) + pulls)
      }
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
  }
}
