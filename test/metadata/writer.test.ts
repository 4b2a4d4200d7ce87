import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openConnection, type SqliteConnection } from '../../src/metadata/sqlite/connection.ts'
import { Writer } from '../../src/metadata/sqlite/writer.ts'

let folder = ''
let connection: SqliteConnection
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stower-writer-'))
  connection = openConnection(join(folder, 'written.db'), ['journal_mode = WAL', 'synchronous = OFF'])
  connection.raw.exec('CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL)')
})
afterEach(() => {
  connection.close()
  rmSync(folder, { recursive: true, force: true })
})

const insert = (writer: Writer, key: string, meanwhile: () => Promise<void> = async () => {}) =>
  writer.write(async tx => {
    await tx.insertInto('settings').values({ key, value: '' }).execute()
    await meanwhile()
  }, 'sync')

test('a long queue of writes lets the event loop turn between its groups', async () => {
  const writer = new Writer(connection, async () => {})
  const writes = Array.from({ length: 3_000 }, (_, number) => insert(writer, String(number)))
  let turns = 0
  let isDone = false
  const turn = () => {
    turns++
    if (!isDone) setImmediate(turn)
  }
  setImmediate(turn)
  await Promise.all(writes)
  isDone = true
  // A group holds 64 bodies at most.
  expect(turns).toBeGreaterThan(3_000 / 64 - 2)
})

test('a group that runs while the sync of the log fails is rejected and leaves nothing', async () => {
  const cause = new Error('the disk is gone')
  const firstSync = Promise.withResolvers<void>()
  const syncCalled = Promise.withResolvers<void>()
  let syncs = 0
  const writer = new Writer(connection, () => {
    syncCalled.resolve()
    return ++syncs === 1 ? firstSync.promise : Promise.resolve()
  })
  const first = insert(writer, 'first')
  await syncCalled.promise
  const bodyRuns = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const second = insert(writer, 'second', () => {
    bodyRuns.resolve()
    return gate.promise
  })
  await bodyRuns.promise
  firstSync.reject(cause)
  await expect(first).rejects.toMatchObject({ code: 'unavailable', cause })
  gate.resolve()
  await expect(second).rejects.toMatchObject({ code: 'unavailable', cause })
  await writer.drain()
  expect(connection.all('SELECT key FROM settings', [])).toEqual([{ key: 'first' }])
})

test('what was given before the end is written, and what comes after it is refused', async () => {
  const writer = new Writer(connection, async () => {})
  const before = insert(writer, 'before')
  await writer.end()
  await before
  await expect(insert(writer, 'after')).rejects.toMatchObject({ code: 'unavailable' })
  expect(connection.all('SELECT key FROM settings', [])).toEqual([{ key: 'before' }])
})
