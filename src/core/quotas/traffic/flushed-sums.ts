/**
 * Amounts by key, summed in memory and written now and then: for figures that change with every pull. What was not yet
 * written is what a kill may lose.
 */
export class FlushedSums<Key extends string | number> implements AsyncDisposable {
  readonly #write: (sums: readonly (readonly [key: Key, amount: number])[]) => Promise<void>
  readonly #mostPerWrite: number
  readonly #timer: Timer
  #sums = new Map<Key, number>()

  constructor(options: {
    /** Keys ascend, so that two processes that meet in several rows don't wait for each other. */
    write: (sums: readonly (readonly [key: Key, amount: number])[]) => Promise<void>
    /** Both engines limit the parameters of a statement. */
    mostPerWrite: number
    /** Ten seconds unless it is given. */
    flushEveryMs?: number
    /** Told of sums that could not be written; they are kept for the next time. */
    onFailure?: (error: unknown) => void
  }) {
    this.#write = options.write
    this.#mostPerWrite = options.mostPerWrite
    const flush = () => void this.flush().catch(error => options.onFailure?.(error))
    this.#timer = setInterval(flush, options.flushEveryMs ?? 10_000)
    this.#timer.unref()
  }

  add(key: Key, amount: number): void {
    this.#sums.set(key, (this.#sums.get(key) ?? 0) + amount)
  }

  /** Writes what was added. On failure it is kept for the next time. */
  async flush(): Promise<void> {
    if (this.#sums.size === 0) return
    const waiting = [...this.#sums].sort(([a], [b]) => (a < b ? -1 : 1))
    this.#sums = new Map()
    try {
      while (waiting.length > 0) {
        const sums = waiting.slice(0, this.#mostPerWrite)
        await this.#write(sums)
        waiting.splice(0, sums.length)
      }
    } catch (error) {
      for (const [key, amount] of waiting) this.add(key, amount)
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
  }
}
