import { DomainError } from '../../core/errors.ts'
import type { Transaction } from '../database.ts'
import type { SqliteConnection } from './connection.ts'
import { isSqliteError, translateSqliteError } from './sqlite-errors.ts'

/** A group ends after so many bodies or milliseconds, so that reads of the same thread get their turn. */
const groupBodies = 64
const groupMs = 8
/** How long another process (a command beside the server) may hold the file before a write gives up. */
const busyLimitMs = 15_000
const busyRetryMs = 3

/**
 * The one place that changes a SQLite file. Bodies run one after another, each under its own savepoint; those that wait
 * together share a commit, and every answer waits until the log is on disk.
 *
 * The commit itself writes the log without syncing (`synchronous = NORMAL`); one shared asynchronous `fdatasync` of the
 * log then makes all commits before it durable. So no sync ever runs on the event loop, where a busy disk would hold up
 * every request, and a burst of small changes costs one sync. Checkpoints, which sync too, are `checkpointer.ts`'s.
 */
export class Writer {
  readonly #connection: SqliteConnection
  readonly #syncLog: () => Promise<void>
  readonly #queue: Pending[] = []
  #committed: Settled[] = []
  #running = false
  #syncing = false
  #failure: DomainError | undefined
  #pause: Promise<void> | undefined
  #idle: (() => void)[] = []

  constructor(connection: SqliteConnection, syncLog: () => Promise<void>) {
    this.#connection = connection
    this.#syncLog = syncLog
  }

  /** Answers after the commit, or after the sync that makes it survive a power cut. */
  write<T>(body: (tx: Transaction) => Promise<T>, answerAfter: 'commit' | 'sync'): Promise<T> {
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ body, answerAfter, resolve: value => resolve(value as T), reject })
      if (!this.#running) void this.#run()
    })
  }

  /** Runs `work` while no body runs and none begins. */
  async exclusively(work: () => Promise<void>): Promise<void> {
    while (this.#pause) await this.#pause
    let resume = () => {}
    this.#pause = new Promise(resolve => {
      resume = resolve
    })
    try {
      if (this.#running) await new Promise<void>(resolve => this.#idle.push(resolve))
      await work()
    } finally {
      this.#pause = undefined
      resume()
      if (this.#queue.length > 0 && !this.#running) void this.#run()
    }
  }

  /** Resolves when everything that was given so far is settled. */
  async drain(): Promise<void> {
    while (this.#running || this.#syncing || this.#queue.length > 0) {
      await new Promise(resolve => setTimeout(resolve, 1))
    }
  }

  /** As `drain`; what is given later is refused, for a request that outlives the wait for it may still write. */
  async end(): Promise<void> {
    await this.drain()
    this.#failure ??= new DomainError('unavailable', 'the database is closed: the server stops')
  }

  get failure(): DomainError | undefined {
    return this.#failure
  }

  async #run(): Promise<void> {
    this.#running = true
    try {
      // The turn of the event loop that brought the first body often brings more, each by a socket of its own: they share
      // the commit and its pages when it waits for the end of the turn.
      await new Promise(resolve => setImmediate(resolve))
      while (this.#queue.length > 0 && !this.#pause) {
        await this.#runGroup()
        // A group is nothing but microtasks: sockets, timers and reads get their turn only here.
        if (this.#queue.length > 0) await new Promise(resolve => setImmediate(resolve))
      }
    } finally {
      this.#running = false
      for (const wake of this.#idle.splice(0)) wake()
    }
  }

  async #runGroup(): Promise<void> {
    const settled: Settled[] = []
    const taken: Pending[] = []
    try {
      await this.#begin()
      const until = performance.now() + groupMs
      while (this.#queue.length > 0 && settled.length < groupBodies && performance.now() < until) {
        const pending = this.#queue.shift()
        if (!pending) break
        taken.push(pending)
        settled.push(await this.#runBody(pending))
      }
      // A log that failed while the bodies ran may sync the next time and still lack pages that the kernel dropped.
      if (this.#failure) throw this.#failure
      this.#connection.raw.exec('COMMIT')
      this.#connection.changes.committed()
    } catch (error) {
      if (this.#connection.raw.inTransaction) this.#connection.raw.exec('ROLLBACK')
      const refusal = translateSqliteError(error)
      // Where the lock itself was not to be had, everyone who waits for it is told so.
      for (const pending of taken.length > 0 ? taken : this.#queue.splice(0)) pending.reject(refusal)
      return
    }
    for (const each of settled) {
      if (each.pending.answerAfter === 'commit') each.settle()
      else this.#committed.push(each)
    }
    if (!this.#syncing) void this.#syncCommitted()
  }

  /** Takes the write lock; another process may hold it for a moment, and waiting must not block the event loop. */
  async #begin(): Promise<void> {
    const giveUpAt = performance.now() + busyLimitMs
    for (;;) {
      try {
        this.#connection.raw.exec('BEGIN IMMEDIATE')
        return
      } catch (error) {
        if (!isSqliteError(error, 'SQLITE_BUSY') || performance.now() > giveUpAt) throw error
        await new Promise(resolve => setTimeout(resolve, busyRetryMs))
      }
    }
  }

  async #runBody(pending: Pending): Promise<Settled> {
    const { raw, kysely } = this.#connection
    raw.exec('SAVEPOINT body')
    try {
      const value = await pending.body(kysely)
      raw.exec('RELEASE body')
      return { pending, settle: () => pending.resolve(value) }
    } catch (error) {
      // A full disk may have rolled the whole transaction back; then the group fails as one.
      if (!raw.inTransaction) throw error
      raw.exec('ROLLBACK TO body; RELEASE body')
      // The body may have failed because of what a neighbour wrote, so its answer waits for that commit too.
      return { pending, settle: () => pending.reject(translateSqliteError(error)) }
    }
  }

  async #syncCommitted(): Promise<void> {
    this.#syncing = true
    while (this.#committed.length > 0) {
      const batch = this.#committed
      this.#committed = []
      try {
        await this.#syncLog()
      } catch (cause) {
        // After a failed sync the kernel may have dropped the pages: nothing more can be promised by this process.
        this.#failure = new DomainError(
          'unavailable',
          'the database log could not be written to disk; restart stower after checking the disk',
          {},
          { cause },
        )
        for (const { pending } of [...batch, ...this.#committed.splice(0)]) pending.reject(this.#failure)
        for (const pending of this.#queue.splice(0)) pending.reject(this.#failure)
        break
      }
      for (const { settle } of batch) settle()
    }
    this.#syncing = false
  }
}

type Pending = {
  body: (tx: Transaction) => Promise<unknown>
  answerAfter: 'commit' | 'sync'
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

type Settled = { pending: Pending; settle: () => void }
