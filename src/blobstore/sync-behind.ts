/**
 * Written bytes that wait for the disk before they are synced, beside what still comes. A commit then waits for the last
 * of them alone: four uploads of 100 MB together are half as fast again.
 */
const syncBytes = 8 * 1024 * 1024

/**
 * Brings the bytes of a file to the disk while more of them are written, one sync at a time. After one that failed the
 * file is good for nothing: the system tells of lost bytes once, and the next sync succeeds without them.
 */
export class SyncBehind {
  readonly #sync: () => Promise<void>
  /** Bytes before it were synced; of those that were there at the beginning nothing is known. */
  #syncedOffset = 0
  #underWay: Promise<void> | undefined
  #failure: unknown

  constructor(sync: () => Promise<void>) {
    this.#sync = sync
  }

  /** All bytes before `offset` are written. */
  written(offset: number): void {
    const isDue = offset - this.#syncedOffset >= syncBytes
    if (isDue && this.#underWay === undefined && this.#failure === undefined) this.#underWay = this.#syncUpTo(offset)
  }

  /** What a sync threw. */
  get failure(): unknown {
    return this.#failure
  }

  /** Resolves when no sync is under way. */
  async settled(): Promise<void> {
    await this.#underWay
  }

  async #syncUpTo(offset: number): Promise<void> {
    try {
      await this.#sync()
      this.#syncedOffset = offset
    } catch (error) {
      this.#failure = error
    } finally {
      this.#underWay = undefined
    }
  }
}
