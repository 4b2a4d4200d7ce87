import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { translatePostgresError } from './postgres-errors.ts'

/**
 * The pool as Kysely uses it, with every error of it as a code of core. A query that takes longer than `queryTimeoutMs`
 * fails and its connection is closed, as whatever comes next on it would wait for the same answer.
 */
export function translatingPool(pool: Pool, options: { queryTimeoutMs?: number } = {}): PostgresPool {
  return {
    connect: async () => new TranslatingClient(await pool.connect().catch(fail), options),
    end: () => pool.end(),
  }
}

/** What the driver takes with one query, though its types name it for whole connections only. */
export function timeoutOf({ queryTimeoutMs }: { queryTimeoutMs?: number }): { query_timeout?: number } {
  return queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }
}

class TranslatingClient implements PostgresPoolClient {
  readonly #client: PoolClient
  readonly #options: { queryTimeoutMs?: number }
  #isSpent = false

  constructor(client: PoolClient, options: { queryTimeoutMs?: number }) {
    this.#client = client
    this.#options = options
  }

  query<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>
  query<R>(
    text: string | PostgresCursor<R>,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    if (typeof text !== 'string') throw new Error('streaming is not supported: page by key instead')
    return this.#run(text, parameters) as Promise<PostgresQueryResult<R>>
  }

  release(): void {
    this.#client.release(this.#isSpent)
  }

  async #run(text: string, parameters: readonly unknown[]): Promise<unknown> {
    try {
      return await this.#client.query({ text, values: [...parameters], ...timeoutOf(this.#options) })
    } catch (error) {
      this.#isSpent ||= error instanceof Error && error.message === 'Query read timeout'
      return fail(error)
    }
  }
}

function fail(error: unknown): never {
  throw translatePostgresError(error)
}
