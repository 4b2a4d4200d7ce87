import { type Expression, type SelectQueryBuilder, type SqlBool, sql } from 'kysely'
import type { Database } from './database.ts'
import type { Tables } from './tables.ts'

/*
 * What the two engines spell differently, each difference a function with a name. Everything else that slices write
 * holds on both.
 */

type Engine = Database['engine']

/** Holds the selected rows against other writers until the transaction ends; SQLite has one writer anyway. */
export function lockRow<Table extends keyof Tables, Output>(
  engine: Engine,
  select: SelectQueryBuilder<Tables, Table, Output>,
): SelectQueryBuilder<Tables, Table, Output> {
  return engine === 'postgres' ? select.forUpdate() : select
}

/** True where `text` occurs in the column, byte for byte; no character is a wildcard. */
export function containsText(engine: Engine, column: Expression<string>, text: string): Expression<SqlBool> {
  return engine === 'postgres'
    ? sql<SqlBool>`strpos(${column}, ${text}) > 0`
    : sql<SqlBool>`instr(${column}, ${text}) > 0`
}

/**
 * Repositories `r` in whose names `text` occurs, byte for byte, as a source and a condition of a query: found by the index
 * of trigrams where there is one. Undefined for a text with too few letters for any.
 */
export function repositoriesNamed(
  engine: Engine,
  text: string,
): { from: Expression<unknown>; where: Expression<SqlBool> } | undefined {
  if ([...text].length < 3) return undefined
  if (engine === 'postgres') {
    const pattern = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`
    return { from: sql`repositories r`, where: sql<SqlBool>`r.name like ${pattern}` }
  }
  const phrase = `"${text.replaceAll('"', '""')}"`
  const contains = containsText(engine, sql.ref('r.name'), text)
  return {
    // From the index on: SQLite keeps the order of cross joins.
    from: sql`repository_names n cross join repositories r`,
    where: sql<SqlBool>`n.repository_names match ${phrase} and r.id = n.rowid and ${contains}`,
  }
}

/** The selected rows, held as `lockRow` does, leaving out those that another transaction holds. */
export function skipLockedRow<Table extends keyof Tables, Output>(
  engine: Engine,
  select: SelectQueryBuilder<Tables, Table, Output>,
): SelectQueryBuilder<Tables, Table, Output> {
  return engine === 'postgres' ? select.forUpdate().skipLocked() : select
}

/** The texts of a column in one, with `separator` between them; null where there are none. An aggregate. */
export function joinedText(engine: Engine, column: Expression<string>, separator: string): Expression<string | null> {
  return engine === 'postgres'
    ? sql<string | null>`string_agg(${column}, ${sql.lit(separator)})`
    : sql<string | null>`group_concat(${column}, ${sql.lit(separator)})`
}

/**
 * Joins to each row before it the first rows of a table that belong to it, so that a walk over many in this order stops
 * early. SQLite knows no lateral join and needs none: it walks the index that the order names by itself.
 */
export function firstOfEach(
  engine: Engine,
  rows: {
    table: keyof Tables
    alias: string
    where: Expression<unknown>
    orderBy: Expression<unknown>
    limit: Expression<unknown>
  },
): Expression<unknown> {
  const alias = sql.raw(rows.alias)
  const table = sql.table(rows.table)
  return engine === 'postgres'
    ? sql`cross join lateral (select ${alias}.* from ${table} ${alias} where ${rows.where}
            order by ${rows.orderBy} limit ${rows.limit}) ${alias}`
    : sql`join ${table} ${alias} on ${rows.where}`
}

/** True for the error of a row that would be a second one of its key. */
export function isUniqueViolation(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY' || code === '23505'
}

/** True for the error of a row that refers to one that is not there, or of removing a row that others refer to. */
export function isForeignKeyViolation(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'SQLITE_CONSTRAINT_FOREIGNKEY' || code === '23503'
}
