import type { Statement } from 'bun:sqlite'
import { existsSync } from 'node:fs'
import { chmod, type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DomainError } from '../../core/errors.ts'
import type { Database, Parameter, PreparedQuery, Reader, Transaction, WriteOptions } from '../database.ts'
import { syncFolder } from '../publish-file.ts'
import type { CheckpointPace } from './checkpointer.ts'
import { Checkpoints } from './checkpoints.ts'
import { openConnection, type SqliteConnection } from './connection.ts'
import { vacuumInto } from './copy.ts'
import { translateSqliteError, translateSqliteQueryError } from './sqlite-errors.ts'
import { Writer } from './writer.ts'

export type SqliteOptions = {
  file: string
  /**
   * A server moves the log into the file in the background; a command leaves that to the last one who closes. Where
   * nothing is synced, it may happen in the midst of a commit.
   */
  checkpoints: 'background' | 'on-close' | 'in-commits'
  /** False where nothing has to survive a power cut; true unless it is given. */
  syncs?: boolean
  /** Of checkpoints in the background; every 2 s when there are 8 MiB, unless it is given. */
  checkpointPace?: CheckpointPace
  /** Told of a background checkpoint that failed; the log keeps growing until one succeeds. */
  onCheckpointFailure?: (message: string) => void
}

/** From so many pages on a log is moved into the file by the commit that finds it so long: SQLite's own choice, 4 MB. */
const logPages = 1000

/** Opens (or creates, 0600) a SQLite file as the metadata store. The schema is `migrate`'s business. */
export async function openSqlite(options: SqliteOptions): Promise<SqliteDatabase> {
  try {
    return await openConnections(options)
  } catch (error) {
    throw translateSqliteError(error)
  }
}

async function openConnections(options: SqliteOptions): Promise<SqliteDatabase> {
  const { file } = options
  const isNew = !existsSync(file)
  const writing = openConnection(file, [
    'journal_mode = WAL',
    `synchronous = ${options.syncs === false ? 'OFF' : 'NORMAL'}`,
    `wal_autocheckpoint = ${options.checkpoints === 'in-commits' ? logPages : 0}`,
    'temp_store = MEMORY',
  ])
  writing.raw.exec('PRAGMA busy_timeout = 0')
  const reading = openConnection(file, ['query_only = ON', 'busy_timeout = 5000', 'cache_size = -32000'])
  // Touching the file makes SQLite create the log, which is then synced by its own handle.
  reading.all('SELECT count(*) FROM sqlite_schema', [])
  const log = await open(`${file}-wal`, 'a+', 0o600)
  if (isNew) {
    await chmod(file, 0o600)
    if (options.syncs !== false) await syncFolder(dirname(file))
  }
  return new SqliteDatabase(options, writing, reading, log)
}

export class SqliteDatabase implements Database {
  readonly engine = 'sqlite'
  readonly read: Reader
  readonly #options: SqliteOptions
  readonly #writing: SqliteConnection
  readonly #reading: SqliteConnection
  readonly #writer: Writer
  readonly #log: FileHandle
  readonly #checkpoints: Checkpoints | undefined
  /** Of the connection that writes it tells of everyone's commits but its own (sqlite.org/pragma.html#pragma_data_version). */
  readonly #foreignVersion: Statement
  #lastForeignVersion: number | undefined
  /** In this turn of the event loop. */
  #isForeignKnown = false

  constructor(options: SqliteOptions, writing: SqliteConnection, reading: SqliteConnection, log: FileHandle) {
    this.#options = options
    this.#writing = writing
    this.#reading = reading
    this.#log = log
    this.read = reading.kysely
    this.#foreignVersion = writing.keep('PRAGMA data_version')
    this.#writer = new Writer(writing, options.syncs === false ? async () => {} : () => log.datasync())
    if (options.checkpoints === 'background') {
      this.#checkpoints = new Checkpoints(new Worker(checkpointerUrl()), {
        file: options.file,
        pace: options.checkpointPace,
        writer: this.#writer,
        onFailure: message => options.onCheckpointFailure?.(message),
      })
    }
  }

  write<T>(body: (tx: Transaction) => Promise<T>, options?: WriteOptions): Promise<T> {
    return this.#writer.write(body, options?.survives === 'crash' ? 'commit' : 'sync')
  }

  prepare<Result>(_name: string, sql: string): PreparedQuery<Result> {
    const statement = this.#reading.keep(sql.replace(/\$(\d+)/g, '?$1'))
    return async (parameters: readonly Parameter[]) => {
      try {
        return statement.all(...parameters) as Result[]
      } catch (error) {
        throw translateSqliteQueryError(error)
      }
    }
  }

  version(of: 'rights' | 'content'): number {
    if (!this.#isForeignKnown) this.#lookElsewhere()
    return this.#writing.changes.versions[of]
  }

  /**
   * Once in a turn of the event loop, because it costs three calls of the system: what was asked after another process
   * committed is read in a later turn. Commits of this process are counted as they happen.
   */
  #lookElsewhere(): void {
    const [row] = this.#foreignVersion.all() as { data_version: number }[]
    if (row?.data_version !== this.#lastForeignVersion) {
      this.#lastForeignVersion = row?.data_version
      this.#writing.changes.committedElsewhere()
    }
    this.#isForeignKnown = true
    setImmediate(() => {
      this.#isForeignKnown = false
    })
  }

  async check(): Promise<void> {
    if (this.#writer.failure) throw this.#writer.failure
    try {
      this.#reading.all('SELECT version FROM schema_versions LIMIT 1', [])
    } catch (cause) {
      throw new DomainError('unavailable', `the database ${this.#options.file} cannot be read`, {}, { cause })
    }
  }

  async copyTo(file: string): Promise<void> {
    await vacuumInto(file, partial => {
      this.#reading.raw.exec('PRAGMA query_only = OFF')
      try {
        this.#reading.all('VACUUM INTO ?', [partial])
      } finally {
        this.#reading.raw.exec('PRAGMA query_only = ON')
      }
    })
  }

  /**
   * For migrations: runs `work` in one durable transaction that no other process can write beside. It may wait for other
   * things than statements, unlike the body of a `write`.
   */
  async alone(work: (run: (statement: string) => unknown[]) => Promise<void>): Promise<void> {
    await this.#writer.write(() => work(statement => this.#writing.all(statement, [])), 'sync')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.end()
    await this.#checkpoints?.[Symbol.asyncDispose]()
    await this.#log.close()
    this.#reading.close()
    this.#writing.close()
  }
}

/** In a bundle every module says it is the entry, and a worker's file lies where it lay below `src`. */
function checkpointerUrl(): string {
  const isBundled = !import.meta.url.endsWith('/src/metadata/sqlite/database.ts')
  const path = isBundled ? './metadata/sqlite/checkpointer.js' : './checkpointer.ts'
  return new URL(path, import.meta.url).href
}
