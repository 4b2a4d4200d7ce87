import { Kysely, PostgresDialect, sql } from 'kysely'
import { Pool, type PoolClient, types } from 'pg'
import { DomainError } from '../../core/errors.ts'
import type { Database, Parameter, PreparedQuery, Reader, Transaction, WriteOptions } from '../database.ts'
import { migrate } from '../migrate.ts'
import { migrations } from '../migrations/all.ts'
import { makeCopy } from '../sqlite/copy.ts'
import { openSqlite } from '../sqlite/database.ts'
import type { Tables } from '../tables.ts'
import { copyFromPostgres } from '../transfer.ts'
import { postgresCode, translatePostgresError, translatePostgresWriteError } from './postgres-errors.ts'
import { timeoutOf, translatingPool } from './translating-pool.ts'

/**
 * Two transactions that met: the body runs again. Besides what PostgreSQL asks for (40001, 40P01) that is a foreign key
 * (23503) that another transaction broke between this one's look and its change; the next run sees it and says so.
 */
const runAgainCodes = new Set(['40001', '40P01', '23503'])
const mostRuns = 12
/** No read of this program takes nearly so long; a server that went away without a word does. */
const usualReadTimeoutMs = 30_000

export type PostgresOptions = {
  url: string
  /** Connections this process holds at most. */
  connections?: number
  /** How long one read may take; 30 s unless it is given. */
  readTimeoutMs?: number
  /** Told of a connection that broke while nobody used it. */
  onConnectionFailure?: (error: Error) => void
}

/** Opens PostgreSQL (15 or newer) as the metadata store. The schema is `migrate`'s business. */
export async function openPostgres(options: PostgresOptions): Promise<PostgresDatabase> {
  const pool = new Pool({
    connectionString: options.url,
    max: options.connections ?? 16,
    application_name: 'stower',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    // Changes are for `write` alone, which says so when it begins; everything else is refused by the server.
    options: '-c default_transaction_read_only=on',
    types: {
      getTypeParser: (oid, format) => (oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format)),
    },
  })
  pool.on('error', error => options.onConnectionFailure?.(error))
  // A connection that breaks while it is used rejects its query and says so here, too; unheard, that ends the process.
  pool.on('connect', client => client.on('error', () => {}))
  const database = new PostgresDatabase(pool, options.readTimeoutMs ?? usualReadTimeoutMs)
  try {
    await database.check()
  } catch (error) {
    await pool.end()
    throw error
  }
  return database
}

export class PostgresDatabase implements Database {
  readonly engine = 'postgres'
  readonly read: Reader
  readonly #writing: Kysely<Tables>
  readonly #pool: Pool
  readonly #readTimeoutMs: number

  constructor(pool: Pool, readTimeoutMs: number) {
    this.#pool = pool
    this.#readTimeoutMs = readTimeoutMs
    const reading = translatingPool(pool, { queryTimeoutMs: readTimeoutMs })
    this.read = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: reading }) })
    // A write may wait long for the rows of another; what cuts it off is the connection.
    this.#writing = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: translatingPool(pool) }) })
  }

  async write<T>(body: (tx: Transaction) => Promise<T>, options?: WriteOptions): Promise<T> {
    for (let run = 1; ; run++) {
      try {
        return await this.#writing
          .transaction()
          .setIsolationLevel('read committed')
          .setAccessMode('read write')
          .execute(async tx => {
            if (options?.survives === 'crash') await sql`set local synchronous_commit = off`.execute(tx)
            return body(tx)
          })
      } catch (error) {
        if (!runAgainCodes.has(postgresCode(error)) || run >= mostRuns) throw translatePostgresWriteError(error)
        await new Promise(resolve => setTimeout(resolve, Math.random() * 5 * run))
      }
    }
  }

  prepare<Result>(name: string, sql: string): PreparedQuery<Result> {
    return async (parameters: readonly Parameter[]) => {
      try {
        const { rows } = await this.#pool.query({
          name,
          text: sql,
          values: parameters as Parameter[],
          ...timeoutOf({ queryTimeoutMs: this.#readTimeoutMs }),
        })
        return rows as Result[]
      } catch (error) {
        throw translatePostgresError(error)
      }
    }
  }

  version(_of: 'rights' | 'content'): undefined {
    return undefined
  }

  async check(): Promise<void> {
    try {
      await this.#pool.query('SELECT 1')
    } catch (cause) {
      throw new DomainError(
        'unavailable',
        'PostgreSQL does not answer: check database.url and the server',
        {},
        { cause },
      )
    }
  }

  /** Whether any stower ever used this database. */
  async hasSchema(): Promise<boolean> {
    const { rows } = await sql<{ found: boolean }>`select to_regclass('schema_versions') is not null as found`.execute(
      this.read,
    )
    return rows[0]?.found ?? false
  }

  /** The copy is a SQLite file of the same schema, so that one kind of backup serves both engines. */
  async copyTo(file: string): Promise<void> {
    await makeCopy(file, partial =>
      this.withClient(async client => {
        const { rows } = await client.query<{ version: number }>('select max(version) as version from schema_versions')
        const version = rows[0]?.version ?? 0
        {
          await using copy = await openSqlite({ file: partial, checkpoints: 'on-close' })
          const steps = migrations.filter(step => step.version <= version)
          await migrate(copy, { copyFile: () => file, nowMs: Date.now(), migrations: steps })
        }
        await copyFromPostgres(client, partial)
      }),
    )
  }

  /** One connection for itself: migrations and copies, which speak to the server directly. */
  async withClient<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch(error => {
      throw translatePostgresError(error)
    })
    try {
      await client.query('set default_transaction_read_only = off')
      return await work(client)
    } catch (error) {
      throw translatePostgresWriteError(error)
    } finally {
      await client.query('set default_transaction_read_only = on').catch(() => {})
      client.release()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end()
  }
}
