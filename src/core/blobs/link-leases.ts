import type { Database } from '../../metadata/database.ts'
import type { Clock } from '../clock.ts'
import { DomainError, isDomainError } from '../errors.ts'
import { type LinkKey, touchLinks } from './queries.ts'

/** How long a note may wait for others to share its write. */
const gatherMs = 1_000
/** Both engines limit the size of a statement. */
const linksPerWrite = 100

/**
 * Keeps links that a client was told of: whoever asked for a blob by HEAD and heard that it is there will not push it
 * again, and names it in a manifest soon. From that answer on the link stays for half the grace time at least, whether a
 * manifest names it or not.
 *
 * A link that was used in the last quarter of the grace time needs nothing. Up to half of it a note is written soon, with
 * others; later than that the answer waits until it is written, because a sweep may be near. Where nothing may be deleted
 * nothing is written, and where nothing can be written the answer promises nothing.
 */
export class LinkLeases implements AsyncDisposable {
  readonly #db: Database
  readonly #clock: Clock
  readonly #graceMs: number
  readonly #mayDelete: () => Promise<boolean>
  readonly #onFailure: (error: unknown) => void
  readonly #waiting = new Map<string, Note>()
  #timer: Timer | undefined
  #writing: Promise<void> | undefined

  constructor(deps: {
    db: Database
    clock: Clock
    graceMs: number
    /** Whether anything may be deleted now; false for a registry that is read-only. */
    mayDelete: () => Promise<boolean>
    /** Told of notes that could not be written and that no answer failed for. */
    onFailure: (error: unknown) => void
  }) {
    this.#db = deps.db
    this.#clock = deps.clock
    this.#graceMs = deps.graceMs
    this.#mayDelete = deps.mayDelete
    this.#onFailure = deps.onFailure
  }

  /** Undefined where the answer need not wait. Rejects with `blob_unknown` when a sweep was faster. */
  rely(link: LinkKey & { usedMs: number }): Promise<void> | undefined {
    const ageMs = this.#clock.nowMs() - link.usedMs
    // Without a grace time nothing is promised that could be kept.
    if (ageMs * 4 < this.#graceMs || this.#graceMs === 0) return undefined
    const note = this.#note(link)
    if (ageMs * 2 < this.#graceMs) {
      this.#timer ??= setTimeout(() => void this.flush(), gatherMs)
      return undefined
    }
    note.isAwaited = true
    void this.flush()
    return note.written.promise
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing ??= this.#writeAll()
    await this.#writing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#waiting.size > 0 || this.#writing) await this.flush()
  }

  #note(link: LinkKey): Note {
    const key = keyOf(link)
    let note = this.#waiting.get(key)
    if (!note) {
      note = { link, isAwaited: false, written: Promise.withResolvers() }
      // Where no answer waits, nobody else hears of the failure either.
      note.written.promise.catch(() => {})
      this.#waiting.set(key, note)
    }
    return note
  }

  async #writeAll(): Promise<void> {
    // Whatever comes in the same turn shares the write.
    await Promise.resolve()
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, linksPerWrite)
      for (const [key] of batch) this.#waiting.delete(key)
      await this.#write(batch.map(([, note]) => note))
    }
    // In the same turn as the last look: a note that comes later begins a write of its own.
    this.#writing = undefined
  }

  async #write(notes: readonly Note[]): Promise<void> {
    const nowMs = this.#clock.nowMs()
    const release = () => {
      for (const { written } of notes) written.resolve()
    }
    try {
      if (!(await this.#mayDelete())) return release()
      const links = notes.map(({ link }) => link)
      const touched = await this.#db.write(tx => touchLinks(tx, links, nowMs), { survives: 'crash' })
      const isThere = new Set(touched.map(keyOf))
      for (const { link, written } of notes) {
        if (isThere.has(keyOf(link))) written.resolve()
        else written.reject(new DomainError('blob_unknown', 'the blob was taken out of this repository: push it again'))
      }
    } catch (error) {
      const isNoReasonToFail = isDomainError(error, 'storage_full') || isDomainError(error, 'unavailable')
      if (isNoReasonToFail || !notes.every(note => note.isAwaited)) this.#onFailure(error)
      if (isNoReasonToFail) return release()
      for (const { written } of notes) written.reject(error)
    }
  }
}

type Note = { link: LinkKey; isAwaited: boolean; written: PromiseWithResolvers<void> }

function keyOf({ repositoryId, digest }: LinkKey): string {
  return `${repositoryId} ${digest.toHex()}`
}
