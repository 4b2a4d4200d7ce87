import { Database as Connection } from 'bun:sqlite'
import { afterEach, beforeEach, describe, expect } from 'bun:test'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '../../src/metadata/migrate.ts'
import { migrations, newestVersion } from '../../src/metadata/migrations/all.ts'
import type { Migration } from '../../src/metadata/migrations/migration.ts'
import { openPostgres } from '../../src/metadata/postgres/database.ts'
import { openSqlite } from '../../src/metadata/sqlite/database.ts'
import type { Engine } from '../databases.ts'
import { postgresServer } from '../postgres-server.ts'
import { testWithTools } from '../tools.ts'

/** What a newer program would bring. */
const added: Migration = {
  version: newestVersion + 1,
  name: 'added',
  statements: ({ text, int }) => [
    `create table added_things (name ${text} primary key, size ${int} not null)`,
    `insert into added_things (name, size) values ('first', 1)`,
  ],
}
const broken: Migration = {
  version: newestVersion + 2,
  name: 'broken',
  statements: ({ int }) => [`create table half_made (size ${int})`, 'insert into nowhere values (1)'],
}
const newer = [...migrations, added]

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stower-migrate-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const copyFile = (from: number) => join(folder, `before-${from}.db`)
const theCopy = () => copyFile(newestVersion)
const settings = (steps: readonly Migration[]) => ({ copyFile, migrations: steps, nowMs: 1 })

/** Opens one database again and again, as programs of several versions do. */
async function makeDatabase(engine: Engine) {
  const url = engine === 'postgres' ? await (await postgresServer()).createDatabase() : ''
  return () =>
    engine === 'postgres'
      ? openPostgres({ url, connections: 3 })
      : openSqlite({ file: join(folder, 'stower.db'), checkpoints: 'on-close' })
}

/** Migrates with the given steps and closes; answers the sentence of a refusal. */
async function migrateWith(
  open: Awaited<ReturnType<typeof makeDatabase>>,
  steps: readonly Migration[],
): Promise<string> {
  await using db = await open()
  return await migrate(db, settings(steps)).then(
    () => 'migrated',
    error => (error instanceof Error ? error.message : String(error)),
  )
}

async function putSetting(open: Awaited<ReturnType<typeof makeDatabase>>, key: string): Promise<void> {
  await using db = await open()
  await db.write(tx => tx.insertInto('settings').values({ key, value: 'kept' }).execute())
}

async function keysIn(open: Awaited<ReturnType<typeof makeDatabase>>): Promise<string[]> {
  await using db = await open()
  return (await db.read.selectFrom('settings').select('key').orderBy('key').execute()).map(row => row.key)
}

function describeMigrations(engine: Engine): void {
  const testEngine: typeof testWithTools = (tools, title, run, timeoutMs) =>
    testWithTools(engine === 'postgres' ? ['postgres', ...tools] : tools, title, run, timeoutMs)

  describe(`migration (${engine})`, () => {
    testEngine([], 'a newer program copies the database aside before it changes it', async () => {
      const open = await makeDatabase(engine)
      await migrateWith(open, migrations)
      await putSetting(open, 'old')
      expect(await migrateWith(open, newer)).toBe('migrated')
      await putSetting(open, 'new')
      expect(await keysIn(open)).toEqual(['new', 'old'])

      expect(statSync(theCopy()).mode & 0o777).toBe(0o600)
      const copy = new Connection(theCopy(), { readonly: true })
      expect(copy.query('SELECT key FROM settings').all()).toEqual([{ key: 'old' }])
      expect(copy.query('SELECT max(version) AS newest FROM schema_versions').get()).toEqual({ newest: newestVersion })
      expect(copy.query(`SELECT name FROM sqlite_schema WHERE name = 'added_things'`).all()).toEqual([])
      copy.close()
    })

    testEngine([], 'an older program refuses the newer schema and names the copy', async () => {
      const open = await makeDatabase(engine)
      await migrateWith(open, migrations)
      await migrateWith(open, newer)
      const refusal = await migrateWith(open, migrations)
      expect(refusal).toContain(theCopy())
      expect(refusal).toContain(`schema ${newestVersion + 1}`)
      expect(refusal).not.toContain('\n')
      // Refusing changes nothing: the newer program goes on.
      expect(await migrateWith(open, newer)).toBe('migrated')
    })

    testEngine([], 'the copy opens in the older program and holds what was there', async () => {
      const open = await makeDatabase(engine)
      await migrateWith(open, migrations)
      await putSetting(open, 'old')
      await migrateWith(open, newer)
      await using back = await openSqlite({ file: theCopy(), checkpoints: 'on-close' })
      await migrate(back, settings(migrations))
      expect(await back.read.selectFrom('settings').select('key').execute()).toEqual([{ key: 'old' }])
    })

    testEngine([], 'a new database and one that is up to date are not copied', async () => {
      const open = await makeDatabase(engine)
      await migrateWith(open, newer)
      await migrateWith(open, newer)
      expect(existsSync(copyFile(0))).toBe(false)
      expect(existsSync(theCopy())).toBe(false)
    })

    testEngine([], 'a step that fails leaves nothing of itself, and the next try brings it', async () => {
      const open = await makeDatabase(engine)
      await migrateWith(open, migrations)
      await putSetting(open, 'old')
      expect(await migrateWith(open, [...newer, broken])).toContain('nowhere')
      const mended = {
        ...broken,
        statements: ({ int }) => [`create table half_made (size ${int})`],
      } satisfies Migration
      expect(await migrateWith(open, [...newer, mended])).toBe('migrated')
      expect(await keysIn(open)).toEqual(['old'])
    })

    testEngine([], 'a copy that a killed migration left behind does not stand in the way', async () => {
      const open = await makeDatabase(engine)
      await migrateWith(open, migrations)
      await putSetting(open, 'old')
      // Once whole, as when the kill came after the copy, and once cut off.
      {
        await using db = await open()
        await db.copyTo(theCopy())
      }
      expect(await migrateWith(open, newer)).toBe('migrated')
      const copy = new Connection(theCopy(), { readonly: true })
      expect(copy.query('SELECT key FROM settings').all()).toEqual([{ key: 'old' }])
      copy.close()
    })

    testEngine([], 'a copy that was cut off by a kill is made again', async () => {
      const open = await makeDatabase(engine)
      await migrateWith(open, migrations)
      await putSetting(open, 'old')
      writeFileSync(theCopy(), 'SQLite format 3\0 and not much more')
      expect(await migrateWith(open, newer)).toBe('migrated')
      const copy = new Connection(theCopy(), { readonly: true })
      expect(copy.query('SELECT key FROM settings').all()).toEqual([{ key: 'old' }])
      copy.close()
    })

    testEngine([], 'programs that start together on a new database migrate it once', async () => {
      const open = await makeDatabase(engine)
      const outcomes = await Promise.all(Array.from({ length: 5 }, () => migrateWith(open, migrations)))
      expect(outcomes).toEqual(Array.from({ length: 5 }, () => 'migrated'))
    })

    testEngine([], 'programs that start together on an old database migrate it once', async () => {
      const open = await makeDatabase(engine)
      await migrateWith(open, migrations)
      await putSetting(open, 'old')
      const outcomes = await Promise.all(Array.from({ length: 5 }, () => migrateWith(open, newer)))
      expect(outcomes).toEqual(Array.from({ length: 5 }, () => 'migrated'))
      expect(await keysIn(open)).toEqual(['old'])
    })
  })
}

describeMigrations('sqlite')
describeMigrations('postgres')
