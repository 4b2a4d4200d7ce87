import { describe } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from '../src/metadata/database.ts'
import { migrate } from '../src/metadata/migrate.ts'
import { openPostgres } from '../src/metadata/postgres/database.ts'
import { openSqlite } from '../src/metadata/sqlite/database.ts'
import { postgresPrograms, postgresServer } from './postgres-server.ts'

export type Engine = 'sqlite' | 'postgres'

/** A fresh, migrated database; disposing it removes it. */
export type TestDatabase = { db: Database; dispose: () => Promise<void> }

/**
 * Describes one suite per metadata engine. Where PostgreSQL is not installed its suite is skipped by name, and CI takes
 * a skip for a failure.
 */
export function describeEngines(
  title: string,
  suite: (engine: Engine, open: () => Promise<TestDatabase>) => void,
): void {
  describe(`${title} (SQLite)`, () => suite('sqlite', openSqliteForTest))
  const describePostgres = postgresPrograms() ? describe : describe.skip
  const need = postgresPrograms() ? '' : ' (needs postgresql-15)'
  describePostgres(`${title} (PostgreSQL)${need}`, () => suite('postgres', openPostgresForTest))
}

export async function openSqliteForTest(): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'stower-sqlite-'))
  const db = await openSqlite({ file: join(folder, 'stower.db'), checkpoints: 'on-close' })
  await migrate(db, { copyFile: from => join(folder, `copy-${from}.db`), nowMs: Date.now() })
  return {
    db,
    dispose: async () => {
      await db[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function openPostgresForTest(): Promise<TestDatabase> {
  const server = await postgresServer()
  const db = await openPostgres({ url: await server.createMigrated(), connections: 12 })
  await migrate(db, { copyFile: from => join(tmpdir(), `copy-${from}.db`), nowMs: Date.now() })
  return { db, dispose: () => db[Symbol.asyncDispose]() }
}
