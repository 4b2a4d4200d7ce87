import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type { Pool } from 'pg'
import { translatePostgresError } from './postgres-errors.ts'

/**
 * The pool as Kysely uses it, with every error of it as a code of core. A query that takes longer than `queryTimeoutMs`
 * fails and its connection is closed, as whatever comes next on it would wait for the same answer.
 */
export function translatingPool(pool: Pool, options: { queryTimeoutMs?: number } = {}): PostgresPool {
  return {
    connect: async () => {
      const client = await pool.connect().catch(fail)
      let isSpent = false
      const query = (text: string, values: unknown[]) =>
        client.query({ text, values, ...timeoutOf(options) }).catch(error => {
          isSpent ||= error instanceof Error && error.message === 'Query read timeout'
          return fail(error)
        })
      // Cursors, the other form of `query`, are never used.
      return { query, release: () => client.release(isSpent) } as PostgresPoolClient
    },
    end: () => pool.end(),
  }
}

/** What the driver takes with one query, though its types name it for whole connections only. */
export function timeoutOf({ queryTimeoutMs }: { queryTimeoutMs?: number }): { query_timeout?: number } {
  return queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }
}

function fail(error: unknown): never {
  throw translatePostgresError(error)
}
