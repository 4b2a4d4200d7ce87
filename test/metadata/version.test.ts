import { Database as Connection } from 'bun:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Transaction } from '../../src/metadata/database.ts'
import { migrate } from '../../src/metadata/migrate.ts'
import { openSqlite, type SqliteDatabase } from '../../src/metadata/sqlite/database.ts'
import { changeOf } from '../../src/metadata/what-changes.ts'

describe('the version of what is committed', () => {
  let folder: string
  let db: SqliteDatabase
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stower-version-'))
    db = await openSqlite({ file: join(folder, 'stower.db'), checkpoints: 'on-close' })
    await migrate(db, { copyFile: from => join(folder, `copy-${from}.db`), nowMs: 1 })
    await db.write(tx => tx.insertInto('accounts').values({ id: 'a', name: 'a', created_ms: 1 }).execute())
  })
  afterEach(async () => {
    await db[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  const versions = () => ({ rights: db.version('rights'), content: db.version('content') })
  /** Which versions a commit of this process moved on. */
  const movedBy = async (body: (tx: Transaction) => Promise<unknown>) => {
    const before = versions()
    await db.write(body).catch(() => {})
    const after = versions()
    return (['rights', 'content'] as const).filter(kind => after[kind] !== before[kind])
  }

  /** Other processes are looked for once in a turn of the event loop. */
  const nextTurn = () => new Promise(resolve => setImmediate(resolve))

  const organization = { account_id: 'a', name: 'o', creator_id: '', creator_name: '', created_ms: 1 }
  const delta = { owner: 'x', metric: 'tags', delta: 1 }
  const body = { digest: new Uint8Array([1]), body: new Uint8Array([2]) }

  test('a change of rights moves both on, one of content its own, and what nobody keeps none', async () => {
    expect(await movedBy(tx => tx.insertInto('organizations').values(organization).execute())).toEqual([
      'rights',
      'content',
    ])
    expect(await movedBy(tx => tx.updateTable('organizations').set({ name: 'p' }).execute())).toEqual([
      'rights',
      'content',
    ])
    expect(await movedBy(tx => tx.insertInto('manifest_bodies').values(body).execute())).toEqual(['content'])
    expect(await movedBy(tx => tx.deleteFrom('manifest_bodies').execute())).toEqual(['content'])
    expect(await movedBy(tx => tx.insertInto('total_deltas').values(delta).execute())).toEqual([])
    expect(await movedBy(tx => tx.selectFrom('organizations').selectAll().execute())).toEqual([])
    expect(await movedBy(tx => tx.deleteFrom('organizations').execute())).toEqual(['rights', 'content'])
  })

  test('the heaviest change of a transaction counts, in whatever order', async () => {
    const quiet = (tx: Transaction) => tx.insertInto('total_deltas').values(delta).execute()
    const loud = (tx: Transaction) => tx.updateTable('accounts').set({ name: 'b' }).execute()
    const content = (tx: Transaction) => tx.deleteFrom('tags').execute()
    const inOrder =
      (...changes: ((tx: Transaction) => Promise<unknown>)[]) =>
      async (tx: Transaction) => {
        for (const change of changes) await change(tx)
      }
    expect(await movedBy(inOrder(quiet, loud, content))).toEqual(['rights', 'content'])
    expect(await movedBy(inOrder(loud, content, quiet))).toEqual(['rights', 'content'])
    expect(await movedBy(inOrder(quiet, content, quiet))).toEqual(['content'])
  })

  test('a statement that can’t be read counts as a change of rights', async () => {
    expect(await movedBy(tx => sql`with x as (select 1) delete from tags`.execute(tx))).toEqual(['rights', 'content'])
    expect(await movedBy(tx => sql`create table other (x int)`.execute(tx))).toEqual(['rights', 'content'])
  })

  test('whatever another process commits moves both on, also between the statements of this one', async () => {
    using other = new Connection(join(folder, 'stower.db'))
    const before = versions()
    other.exec(`insert into total_deltas (owner, metric, delta) values ('x', 'tags', 1)`)
    await nextTurn()
    const after = versions()
    expect(after.rights).not.toBe(before.rights)
    expect(after.content).not.toBe(before.content)
    expect(versions()).toEqual(after)
    await db.write(tx => tx.insertInto('total_deltas').values(delta).execute())
    expect(versions()).toEqual(after)
    other.exec(`update accounts set name = 'c'`)
    await db.write(tx => tx.insertInto('total_deltas').values(delta).execute())
    await nextTurn()
    expect(db.version('rights')).not.toBe(after.rights)
  })

  test('a reader that asks while a body runs sees the old version with the old state', async () => {
    const before = versions()
    let during: ReturnType<typeof versions> | undefined
    await db.write(async tx => {
      await tx.updateTable('accounts').set({ name: 'd' }).execute()
      during = versions()
      const [row] = await db.read.selectFrom('accounts').select('name').execute()
      expect(row?.name).toBe('a')
    })
    expect(during).toEqual(before)
    expect(db.version('rights')).not.toBe(before.rights)
  })
})

test.each([
  ['select * from users', 'nothing'],
  ['  SELECT 1', 'nothing'],
  ['insert into "users" ("id") values (?)', 'rights'],
  ['insert into repository_grants (a) select 1', 'rights'],
  ['update "tags" set "digest" = ?', 'content'],
  ['delete from "upload_sessions" where "id" = ?', 'nothing'],
  ['insert or replace into upload_sessions values (1)', 'rights'],
  ['update no_such_table set x = 1', 'rights'],
  ['update toString set x = 1', 'rights'],
  ['drop table tags', 'rights'],
  ['', 'rights'],
])('%p changes %s', (statement, change) => {
  expect<string>(changeOf(statement)).toBe(change)
})
