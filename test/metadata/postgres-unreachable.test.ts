import { describe, expect, test } from 'bun:test'
import { connect, createServer, type Socket } from 'node:net'
import { sql } from 'kysely'
import { openPostgres } from '../../src/metadata/postgres/database.ts'
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

/** Stands between the driver and the server, so that the way to it can be cut. */
async function startRelay(url: string) {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer(socket => {
    if (isCut) return void socket.destroy()
    const onward = connect(Number(target.port), target.hostname)
    for (const each of [socket, onward]) {
      sockets.add(each)
      each.on('error', () => {})
      each.on('close', () => {
        socket.destroy()
        onward.destroy()
      })
    }
    socket.pipe(onward).pipe(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const relayed = new URL(url)
  relayed.hostname = '127.0.0.1'
  relayed.port = String(typeof address === 'object' ? address?.port : '')
  return {
    url: relayed.href,
    cut: () => {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    mend: () => {
      isCut = false
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
