import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { serveHttp } from '../../src/http/serve.ts'
import { registryClient, sha256 } from '../oci/registry-client.ts'
import { createOrganization, startTestServer, type TestServer } from '../server.ts'
import { connectRaw, eventually, type RawConnection, requestHead } from './raw-connection.ts'

const timeoutMs = 8_000
const clockMs = 4_000
/** Bun's own, for the headers of the first request of a connection; its clock strikes every four seconds. */
const headerLimitMs = 10_000
/** A connection has a descriptor at each end, and both ends are in this process. */
const idleConnections = 5_000

let server: TestServer
let digest: string

beforeAll(async () => {
  server = await startTestServer('sqlite', { STOWER_CONNECTIONS_IDLE_TIMEOUT: `${timeoutMs}ms` })
  await createOrganization(server, 'slow')
  digest = await registryClient(server).pushBlob('slow/image', 'content')
})
afterAll(() => server.stop())

const get = (path: string) => requestHead(server.url, `GET ${path}`, { authorization: server.basic })

/** Milliseconds until the server ends the connection. */
async function endOf(connection: RawConnection): Promise<number> {
  const startedMs = performance.now()
  await connection.closed
  return performance.now() - startedMs
}

test.concurrent.each([
  ['an answer from memory', () => '/v2/'],
  ['an answer from a file', () => `/v2/slow/image/blobs/${digest}`],
])(
  'a connection that stays idle after %s is closed',
  async (_title, path) => {
    using connection = await connectRaw(server.url)
    connection.socket.write(get(path()))
    await eventually('it is answered', () => connection.head().startsWith('HTTP/1.1 200'))
    const endedMs = await endOf(connection)
    expect(endedMs).toBeGreaterThan(timeoutMs - clockMs - 500)
    expect(endedMs).toBeLessThan(timeoutMs + clockMs)
  },
  60_000,
)

test.concurrent.each([
  ['that says nothing', ''],
  ['whose first headers never end', 'GET /v2/ HTTP/1.1\r\nhost: x\r\n'],
])(
  'a client %s is closed, however often it sends a little more',
  async (_title, text) => {
    using connection = await connectRaw(server.url)
    connection.socket.write(text)
    const drip = setInterval(() => text && connection.socket.write('x: y\r\n'), 500)
    const endedMs = await endOf(connection)
    clearInterval(drip)
    expect(endedMs).toBeLessThan(headerLimitMs + clockMs)
    expect(connection.received()).toBe(0)
  },
  60_000,
)

test.concurrent('a client whose later headers never end is closed, however often it sends a little more', async () => {
  using connection = await connectRaw(server.url)
  connection.socket.write(get('/v2/'))
  await eventually('it is answered', () => connection.head().startsWith('HTTP/1.1 200'))
  connection.socket.write('GET /v2/ HTTP/1.1\r\n')
  const drip = setInterval(() => connection.socket.write('x: y\r\n'), 500)
  const endedMs = await endOf(connection)
  clearInterval(drip)
  expect(endedMs).toBeLessThan(timeoutMs + clockMs)
}, 60_000)

test.concurrent('a request whose body comes slowly is not closed by the limit on idle connections', async () => {
  const begun = await registryClient(server).request('POST', '/v2/slow/image/blobs/uploads/')
  const content = 'a byte a second'
  using connection = await connectRaw(server.url)
  const headers = { authorization: server.basic, 'content-length': String(content.length) }
  const path = `${begun.headers.get('location')}?digest=${sha256(content)}`
  connection.socket.write(requestHead(server.url, `PUT ${path}`, headers))
  let sent = 0
  const drip = setInterval(() => connection.socket.write(content[sent++] ?? ''), 1_000)
  const startedMs = performance.now()
  await eventually('it is answered', () => connection.received() > 0, 40_000)
  clearInterval(drip)
  expect(connection.head()).toStartWith('HTTP/1.1 201')
  expect(performance.now() - startedMs).toBeGreaterThan(timeoutMs + clockMs)
}, 60_000)

test.concurrent('a request whose body is over and whose answer takes longer is not closed by it either', async () => {
  const slow = serveHttp({
    listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    forwarded: peer => ({ sourceAddress: peer, proto: undefined, host: undefined }),
    baseUrl: () => '',
    // As the end of an upload, which is about a body and then waits for the disk.
    surfaceFor: () => async exchange => {
      const { bodyWatch } = exchange
      await Bun.sleep(timeoutMs + 2 * clockMs)
      bodyWatch.over()
      return new Response('done')
    },
    onAnswered: () => {},
    bodyIdleMs: timeoutMs,
    connectionIdleMs: timeoutMs,
  })
  using connection = await connectRaw(slow.url)
  connection.socket.write(requestHead(slow.url, 'PUT /', { 'content-length': '0' }))
  await Promise.race([connection.closed, eventually('it is answered', () => connection.received() > 0, 40_000)])
  expect(connection.head()).toStartWith('HTTP/1.1 200')
  await slow.stop(0)
}, 60_000)

test(`of ${idleConnections} idle connections none holds up a request, and all of them end`, async () => {
  const descriptors = () => readdirSync('/proc/self/fd').length
  const before = descriptors()
  const connections: RawConnection[] = []
  while (connections.length < idleConnections) {
    connections.push(...(await Promise.all(Array.from({ length: 100 }, () => connectRaw(server.url)))))
  }
  for (const { socket } of connections) socket.write(get('/livez'))
  const answered = () => connections.filter(each => each.head().startsWith('HTTP/1.1 200')).length
  await eventually('all are answered', () => answered() === idleConnections)
  const client = registryClient(server)
  await client.pushImage('slow/image', 'meanwhile')
  const pulled = await client.request('GET', `/v2/slow/image/blobs/${digest}`)
  expect(await pulled.text()).toBe('content')
  await Promise.all(connections.map(({ closed }) => closed))
  await eventually('every descriptor is free', () => descriptors() <= before + 5)
}, 120_000)
