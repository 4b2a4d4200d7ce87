import { describe, expect, test } from 'bun:test'
import { sql } from 'kysely'
import { openPostgres } from '../../src/metadata/postgres/database.ts'
import { startRelay } from '../postgres-relay.ts'
import { postgresPrograms, postgresServer } from '../postgres-server.ts'

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
