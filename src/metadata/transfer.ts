import { Database as Connection, type SQLQueryBindings } from 'bun:sqlite'
import type { PoolClient } from 'pg'
import { DomainError } from '../core/errors.ts'
import { newestVersion } from './migrations/all.ts'

/**
 * Moves a whole installation between the engines: a copy of either is a SQLite file, and either can be filled from one.
 * Rows travel in pages, so no table is held in memory.
 */

const rowsPerPage = 500
/** Where a row may hold a manifest, or its annotations, of some megabytes. */
const largeRowsPerPage = 4
const largeTables = ['manifest_bodies', 'manifests']
/** A page of rows that are at hand ends with this many bytes. */
const bytesPerPage = 8 * 1024 * 1024

/** Fills an empty SQLite file (schema already made) from one consistent moment of PostgreSQL. */
export async function copyFromPostgres(client: PoolClient, file: string): Promise<void> {
  const target = new Connection(file, { readwrite: true })
  try {
    await client.query('begin isolation level repeatable read read only')
    target.exec('PRAGMA synchronous = OFF; BEGIN; PRAGMA defer_foreign_keys = ON')
    for (const { table } of tablesOf(target)) {
      await client.query(`declare copied no scroll cursor for select * from ${table}`)
      const pageRows = largeTables.includes(table) ? largeRowsPerPage : rowsPerPage
      for (;;) {
        const { rows } = await client.query<Record<string, unknown>>(`fetch ${pageRows} from copied`)
        for (const row of rows) insertIntoSqlite(target, table, row)
        if (rows.length < pageRows) break
      }
      await client.query('close copied')
    }
    for (const { table, hasIds } of tablesOf(target)) {
      if (!hasIds) continue
      const { rows } = await client.query<{ last: number | null }>(
        `select pg_sequence_last_value(pg_get_serial_sequence('${table}', 'id')::regclass) as last`,
      )
      target.prepare('DELETE FROM sqlite_sequence WHERE name = ?').run(table)
      const last = rows[0]?.last
      if (last) target.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(table, last)
    }
    // The copy is one file: nothing of it is left in a log.
    target.exec('COMMIT; PRAGMA journal_mode = DELETE')
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    target.close()
  }
}

/**
 * Fills PostgreSQL (schema already made) from a SQLite copy, all or nothing. Throws `unavailable` when the store is not
 * empty or the copy is of another schema.
 */
export async function copyIntoPostgres(client: PoolClient, file: string): Promise<void> {
  const source = new Connection(file, { readonly: true })
  try {
    requireSchema(source, file)
    await client.query('begin')
    const { rows } = await client.query('select 1 from accounts limit 1')
    if (rows.length > 0) throw new DomainError('unavailable', 'the PostgreSQL database is not empty: give a fresh one')
    await client.query('delete from settings')
    for (const { table } of tablesOf(source)) {
      const page: Record<string, unknown>[] = []
      let pageBytes = 0
      for (const row of source.query(`SELECT * FROM ${table}`).iterate() as Iterable<Record<string, unknown>>) {
        page.push(row)
        pageBytes += bytesOf(row)
        if (page.length < rowsPerPage && pageBytes < bytesPerPage) continue
        await insertIntoPostgres(client, table, page.splice(0))
        pageBytes = 0
      }
      await insertIntoPostgres(client, table, page)
    }
    for (const { table, hasIds } of tablesOf(source)) {
      if (!hasIds) continue
      const sequence = source.query('SELECT seq FROM sqlite_sequence WHERE name = ?').get(table) as {
        seq: number
      } | null
      if (sequence && sequence.seq > 0) {
        await client.query(`select setval(pg_get_serial_sequence('${table}', 'id'), $1)`, [sequence.seq])
      }
    }
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    source.close()
  }
}

/**
 * The tables of a file in the order they were made, each behind those it refers to; `hasIds` for those whose ids are
 * handed out by the engine and never used again. Indexes that SQLite keeps as tables are not among them: they are made of
 * what is copied. A copy may be of an older schema than this program's.
 */
function tablesOf(file: Connection): { table: string; hasIds: boolean }[] {
  const rows = file
    .query(
      `SELECT name, sql FROM sqlite_schema t
       WHERE type = 'table' AND name NOT IN ('schema_versions') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
       AND NOT EXISTS (SELECT 1 FROM sqlite_schema v WHERE v.sql LIKE 'create virtual table%'
         AND (t.name = v.name OR substr(t.name, 1, length(v.name) + 1) = v.name || '_'))
       ORDER BY rowid`,
    )
    .all() as { name: string; sql: string }[]
  return rows.map(({ name, sql }) => ({ table: name, hasIds: /autoincrement/i.test(sql) }))
}

function requireSchema(source: Connection, file: string): void {
  const row = source.query('SELECT max(version) AS version FROM schema_versions').get() as { version: number } | null
  if (row?.version === newestVersion) return
  throw new DomainError(
    'unavailable',
    `${file} has schema ${row?.version ?? 'none'}, and this stower reads ${newestVersion}: restore it with the version that made it`,
  )
}

function insertIntoSqlite(target: Connection, table: string, row: Record<string, unknown>): void {
  const columns = Object.keys(row)
  const places = columns.map(() => '?').join(', ')
  target
    .query(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`)
    .run(...(Object.values(row) as SQLQueryBindings[]))
}

async function insertIntoPostgres(
  client: PoolClient,
  table: string,
  rows: readonly Record<string, unknown>[],
): Promise<void> {
  const [first] = rows
  if (!first) return
  const columns = Object.keys(first)
  let number = 0
  const places = rows.map(() => `(${columns.map(() => `$${++number}`).join(', ')})`).join(', ')
  const values = rows.flatMap(row => columns.map(column => toPostgres(row[column])))
  await client.query(`insert into ${table} (${columns.join(', ')}) values ${places}`, values)
}

/** About as much as the row's long values take. */
function bytesOf(row: Record<string, unknown>): number {
  return Object.values(row).reduce<number>((sum, value) => {
    if (typeof value === 'string') return sum + value.length
    return value instanceof Uint8Array ? sum + value.byteLength : sum
  }, 0)
}

/** The driver takes bytes as Buffer only. */
function toPostgres(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value
}
