import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { migrate } from '../../src/metadata/migrate.ts'
import { openPostgres } from '../../src/metadata/postgres/database.ts'
import { startRelay } from '../postgres-relay.ts'
import { postgresPrograms, postgresServer, startStandby } from '../postgres-server.ts'

const describePostgres = postgresPrograms() ? describe : describe.skip

describePostgres(`PostgreSQL that goes away${postgresPrograms() ? '' : ' (needs postgresql-15)'}`, () => {
  test('reads, prepared reads and writes are refused as unavailable, and work again when it is back', async () => {
    const relay = await startRelay(await (await postgresServer()).createDatabase())
    await using db = await openPostgres({ url: relay.url, connections: 2 })
    const attempts = [
      () => sql`select 1`.execute(db.read),
      () => db.prepare('one', 'select 1')([]),
      () => db.write(tx => sql`select 1`.execute(tx)),
    ]
    relay.cut()
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'unavailable' })
    relay.mend()
    for (const attempt of attempts) await attempt()
    relay.close()
  })

  test('a server that became a standby is read, and changes are unavailable', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stower-standby-'))
    const standby = await startStandby(folder)
    try {
      await using db = await openPostgres({ url: standby.url, connections: 2 })
      expect((await sql`select 1 as one`.execute(db.read)).rows).toEqual([{ one: 1 }])
      for (const survives of ['crash', 'power-cut'] as const) {
        const change = db.write(tx => sql`create table changed ()`.execute(tx), { survives })
        await expect(change).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('standby') })
      }
      const migrated = migrate(db, { copyFile: () => '', nowMs: 0 })
      await expect(migrated).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('standby') })
    } finally {
      standby.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }, 20_000)

  test('a change outside of a write is a defect, and told as one', async () => {
    await using db = await openPostgres({ url: await (await postgresServer()).createDatabase(), connections: 2 })
    await expect(sql`create table changed ()`.execute(db.read)).rejects.toMatchObject({ code: '25006' })
  })

  test('a connection that the server ends under a read is unavailable', async () => {
    await using db = await openPostgres({ url: await (await postgresServer()).createDatabase(), connections: 2 })
    const ended = sql`select pg_terminate_backend(pg_backend_pid())`.execute(db.read)
    await expect(ended).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('a read that is not answered in time is unavailable, and its connection is not used again', async () => {
    const url = await (await postgresServer()).createDatabase()
    await using db = await openPostgres({ url, connections: 1, readTimeoutMs: 300 })
    await expect(sql`select pg_sleep(5)`.execute(db.read)).rejects.toMatchObject({ code: 'unavailable' })
    const begunAt = performance.now()
    await db.write(tx => sql`select pg_sleep(0.5)`.execute(tx))
    expect(performance.now() - begunAt).toBeLessThan(3_000)
  })
})
