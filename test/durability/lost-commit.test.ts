import { expect } from 'bun:test'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { bytesOf, digestOf } from '../crash/content.ts'
import { postgresServer } from '../postgres-server.ts'
import { createOrganization, startTestServer } from '../server.ts'
import { eventually } from '../slow/raw-connection.ts'
import { testWithTools } from '../tools.ts'

testWithTools(
  ['postgres'],
  'a commit whose answer was lost leaves no blob without its bytes',
  async () => {
    await using stand = await openStand()
    const { proxy, send } = stand
    const bytes = bytesOf({ seed: 1, sizeBytes: 10_000 })
    const digest = digestOf(bytes)
    const push = async () => (await send('POST', `/v2/lost/image/blobs/uploads/?digest=${digest}`, bytes)).status
    const pull = async () => {
      const answer = await send('GET', `/v2/lost/image/blobs/${digest}`)
      return { status: answer.status, found: digestOf(await answer.bytes()) }
    }
    proxy.loseCommitOf('insert into "blobs"')
    expect(await push()).toBeGreaterThanOrEqual(500)
    expect(proxy.lostCommits()).toBe(1)

    const pulled = await pull()
    if (pulled.status !== 404) expect(pulled).toEqual({ status: 200, found: digest })
    // The client comes again, and what it is answered holds.
    expect(await push()).toBe(201)
    expect(await pull()).toEqual({ status: 200, found: digest })
  },
  30_000,
)

testWithTools(
  ['postgres'],
  'an upload that was taken by a commit whose answer was lost goes on soon',
  async () => {
    await using stand = await openStand()
    const { proxy, send } = stand
    const begun = await send('POST', '/v2/lost/image/blobs/uploads/')
    const location = begun.headers.get('location') ?? ''
    const bytes = bytesOf({ seed: 2, sizeBytes: 10_000 })
    const append = async () => (await send('PATCH', location, bytes)).status
    proxy.loseCommitOf('"lease_id" = ')
    expect(await append()).toBe(503)
    expect(proxy.lostCommits()).toBe(1)

    await eventually('the upload takes bytes again', async () => (await append()) === 202, 10_000)
    expect((await send('PUT', `${location}?digest=${digestOf(bytes)}`)).status).toBe(201)
  },
  30_000,
)

/** A server with an organization, whose way to PostgreSQL loses what it is told to. */
async function openStand() {
  const proxy = await openProxy(new URL(await (await postgresServer()).createDatabase()))
  const server = await startTestServer('postgres', { STOWER_DATABASE_URL: proxy.url })
  await createOrganization(server, 'lost')
  return {
    proxy,
    send: (method: string, path: string, body?: Uint8Array<ArrayBuffer>) =>
      fetch(new URL(path, server.url), { method, headers: { authorization: server.basic }, ...(body ? { body } : {}) }),
    [Symbol.asyncDispose]: async () => {
      await server.stop()
      proxy.server.close()
    },
  }
}

/** Stands before PostgreSQL and cuts a connection when the answer to a chosen commit comes back. */
async function openProxy(database: URL) {
  let wanted: string | undefined
  let lost = 0
  const pass = (client: Socket) => {
    const upstream = connect(Number(database.port), database.hostname)
    let isChosen = false
    let isCutting = false
    client.on('data', chunk => {
      const said = chunk.toString('latin1')
      if (wanted !== undefined && said.includes(wanted)) isChosen = true
      if (isChosen && /commit/i.test(said)) {
        isCutting = true
        wanted = undefined
      }
      upstream.write(chunk)
    })
    upstream.on('data', chunk => {
      if (!isCutting) return client.write(chunk)
      lost += 1
      client.destroy()
      return upstream.destroy()
    })
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('close', () => to.destroy())
      from.on('error', () => to.destroy())
    }
  }
  const server: Server = createServer(pass)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  const address = server.address()
  const url = new URL(database)
  url.port = String(typeof address === 'object' ? address?.port : '')
  return {
    url: url.href,
    server,
    /** The next transaction that sends this text is committed without its answer. */
    loseCommitOf: (text: string) => {
      wanted = text
    },
    lostCommits: () => lost,
  }
}
