import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/**
 * The metadata store. Reads see what is committed; every change goes through `write`.
 */
export interface Database extends AsyncDisposable {
  readonly engine: 'sqlite' | 'postgres'

  /** Queries on committed state. Never used to change anything. */
  readonly read: Reader

  /**
   * Runs `body` as one transaction and resolves when it is durable: it survives a power cut. The body awaits nothing
   * but `tx`, has no other effect, and may run again (serialization conflicts). When it throws, nothing of it remains
   * and the error is passed on unchanged.
   *
   * Bodies of one process may share a commit; each still stands or falls alone. `survives: 'crash'` resolves as soon as
   * the death of this process can't undo it: for steps that a power cut may take back, such as those of an upload.
   */
  write<T>(body: (tx: Transaction) => Promise<T>, options?: WriteOptions): Promise<T>

  /**
   * A query compiled once and bound many times, for paths that run thousands of times a second. `sql` is written with
   * `$1`, `$2`, … on both engines.
   */
  prepare<Result>(name: string, sql: string): PreparedQuery<Result>

  /**
   * A number that changes whenever committed state of this kind may have changed, whoever changed it: `rights` who may do
   * what where, `content` that and what repositories hold. Undefined where asking would cost as much as the query itself
   * (PostgreSQL). Answers may be kept while it stands still.
   */
  version(of: 'rights' | 'content'): number | undefined

  /** Throws `unavailable` with a sentence that says what is wrong when the store does not answer. */
  check(): Promise<void>

  /** Writes a consistent copy beside ongoing work: a SQLite file on both engines' terms (see `backup`). */
  copyTo(file: string): Promise<void>
}

export type WriteOptions = { survives: 'power-cut' | 'crash' }

/** What queries are written against: committed state, or a transaction. */
export type Reader = Kysely<Tables>

/** Inside `write` only. */
export type Transaction = Kysely<Tables>

export type PreparedQuery<Result> = (parameters: readonly Parameter[]) => Promise<readonly Result[]>

export type Parameter = string | number | Uint8Array | null
