import { expect } from 'bun:test'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { bytesOf, digestOf } from '../crash/content.ts'
import { postgresServer } from '../postgres-server.ts'
import { createOrganization, startTestServer } from '../server.ts'
import { testWithTools } from '../tools.ts'

testWithTools(
  ['postgres'],
  'a commit whose answer was lost leaves no blob without its bytes',
  async () => {
    const database = new URL(await (await postgresServer()).createDatabase())
    const proxy = await openProxy(database)
    const server = await startTestServer('postgres', { STOWER_DATABASE_URL: proxy.url })
    try {
      await createOrganization(server, 'lost')
      const bytes = bytesOf({ seed: 1, sizeBytes: 10_000 })
      const digest = digestOf(bytes)
      const push = async () => {
        const answer = await fetch(`${server.url}/v2/lost/image/blobs/uploads/?digest=${digest}`, {
          method: 'POST',
          headers: { authorization: server.basic },
          body: bytes,
        })
        await answer.text()
        return answer.status
      }
      const pull = async () => {
        const path = `/v2/lost/image/blobs/${digest}`
        const answer = await fetch(`${server.url}${path}`, { headers: { authorization: server.basic } })
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
    } finally {
      await server.stop()
      proxy.server.close()
    }
  },
  30_000,
)

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
