import { Database as Connection, type SQLQueryBindings, type Statement } from 'bun:sqlite'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Tables } from '../tables.ts'
import { changeOf, type WhatChanges } from '../what-changes.ts'
import { Changes } from './changes.ts'
import { translateSqliteQueryError } from './sqlite-errors.ts'

/** How many compiled statements one connection keeps. */
const keptStatements = 400

/** One connection to the file, its compiled statements, and Kysely on top of both. */
export type SqliteConnection = {
  raw: Connection
  kysely: Kysely<Tables>
  /** What was changed through this connection. */
  changes: Changes
  /** Runs `sql` with positional parameters and answers its rows. */
  all: (sql: string, parameters: readonly unknown[]) => unknown[]
  /** A statement that stays compiled until the connection is closed. */
  keep: (sql: string) => Statement
  /** Ends every statement and the connection: only then does SQLite fold in and remove the log. */
  close: () => void
}

/** Opens one connection with the settings every connection of this program shares. */
export function openConnection(
  file: string,
  pragmas: readonly string[],
  access: 'read-write' | 'read-only' = 'read-write',
): SqliteConnection {
  const flags = access === 'read-only' ? { readonly: true } : { create: true, readwrite: true }
  const raw = new Connection(file, { ...flags, strict: true })
  for (const pragma of ['foreign_keys = ON', 'trusted_schema = OFF', ...pragmas]) raw.exec(`PRAGMA ${pragma}`)
  const changes = new Changes()
  const statements = new StatementCache(raw, changes)
  return {
    raw,
    changes,
    kysely: new Kysely<Tables>({ dialect: new ConnectionDialect(statements) }),
    all: (sql, parameters) => statements.get(sql).statement.all(...(parameters as SQLQueryBindings[])),
    keep: sql => statements.keep(sql),
    close: () => {
      statements.finalize()
      raw.close()
    },
  }
}

type CompiledStatement = { statement: Statement; hasRows: boolean; change: WhatChanges }

/** Compiled statements by their text, the least recently used dropped first; each that is asked for is about to run. */
class StatementCache {
  readonly #statements = new Map<string, CompiledStatement>()

  readonly #kept: Statement[] = []

  constructor(
    readonly connection: Connection,
    readonly changes: Changes,
  ) {}

  keep(sql: string): Statement {
    const statement = this.connection.prepare(sql)
    this.#kept.push(statement)
    return statement
  }

  finalize(): void {
    for (const { statement } of this.#statements.values()) statement.finalize()
    for (const statement of this.#kept) statement.finalize()
    this.#statements.clear()
  }

  get(sql: string): CompiledStatement {
    const known = this.#statements.get(sql)
    if (known) {
      this.changes.note(known.change)
      this.#statements.delete(sql)
      this.#statements.set(sql, known)
      return known
    }
    const statement = this.connection.prepare(sql)
    const made = { statement, hasRows: statement.columnNames.length > 0, change: changeOf(sql) }
    this.changes.note(made.change)
    this.#statements.set(sql, made)
    if (this.#statements.size > keptStatements) {
      const [oldest] = this.#statements
      if (oldest) {
        this.#statements.delete(oldest[0])
        oldest[1].statement.finalize()
      }
    }
    return made
  }
}

/**
 * Kysely over one bun:sqlite connection. Every query runs synchronously, so an awaited query costs a microtask and no
 * other work of the process comes between two of them. Transactions are the writer's business (`writer.ts`).
 */
class ConnectionDialect implements Dialect {
  constructor(readonly statements: StatementCache) {}

  createAdapter() {
    return new SqliteAdapter()
  }

  createDriver(): Driver {
    const connection = new KyselyConnection(this.statements)
    const refuse = async (): Promise<never> => {
      throw new Error('transactions are begun by Database.write, never on a connection')
    }
    return {
      init: async () => {},
      acquireConnection: async () => connection,
      releaseConnection: async () => {},
      beginTransaction: refuse,
      commitTransaction: refuse,
      rollbackTransaction: refuse,
      destroy: async () => {},
    }
  }

  createIntrospector(db: Kysely<unknown>) {
    return new SqliteIntrospector(db)
  }

  createQueryCompiler() {
    return new SqliteQueryCompiler()
  }
}

class KyselyConnection implements DatabaseConnection {
  constructor(readonly statements: StatementCache) {}

  async executeQuery<Result>(query: CompiledQuery): Promise<QueryResult<Result>> {
    try {
      const { statement, hasRows } = this.statements.get(query.sql)
      const parameters = query.parameters as SQLQueryBindings[]
      if (hasRows) return { rows: statement.all(...parameters) as Result[] }
      const { changes, lastInsertRowid } = statement.run(...parameters)
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
    } catch (error) {
      throw translateSqliteQueryError(error)
    }
  }

  // biome-ignore lint/correctness/useYield: the interface asks for a generator, and this engine has no cursor to stream
  async *streamQuery<Result>(): AsyncIterableIterator<QueryResult<Result>> {
    throw new Error('streaming is not supported: page by key instead')
  }
}
