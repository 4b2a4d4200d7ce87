import { afterAll, beforeAll, expect, test } from 'bun:test'
import { sql } from 'kysely'
import { describeEngines } from '../databases.ts'
import { type RegistryClient, registryClient, sha256 } from '../oci/registry-client.ts'
import { createOrganization, startTestServer, type TestServer } from '../server.ts'
import { openFilesBelow } from './open-files.ts'
import { connectRaw, eventually, type RawConnection, requestHead } from './raw-connection.ts'

/** Many times the connections that a process holds to PostgreSQL (16). */
const stalledUploads = 200
const stalledDownloads = 40
const idleTimeoutMs = 8_000

describeEngines('uploads that stand still', engine => {
  let server: TestServer
  let client: RegistryClient

  beforeAll(async () => {
    server = await startTestServer(engine, { STOWER_UPLOADS_IDLE_TIMEOUT: `${idleTimeoutMs}ms` })
    await createOrganization(server, 'slow')
    client = registryClient(server)
  })
  afterAll(() => server.stop())

  const offsetOf = async (location: string) => (await client.request('GET', location)).headers.get('range')
  const leases = async () => {
    const held = await server.database
      .selectFrom('upload_sessions')
      .select('id')
      .where('lease_until_ms', '>', 0)
      .execute()
    return held.length
  }

  /** Sends the first bytes of a body that is announced to be longer. */
  async function beginStalled(firstBytes: string): Promise<{ connection: RawConnection; location: string }> {
    const begun = await client.request('POST', '/v2/slow/image/blobs/uploads/')
    const location = begun.headers.get('location') ?? ''
    const connection = await connectRaw(server.url)
    const headers = { authorization: server.basic, 'content-length': '1000000' }
    connection.socket.write(requestHead(server.url, `PATCH ${location}`, headers))
    connection.socket.write(firstBytes)
    return { connection, location }
  }

  test(`${stalledUploads} of them hold up neither push nor pull, end by the limit, and can be resumed`, async () => {
    const stalled = await Promise.all(Array.from({ length: stalledUploads }, () => beginStalled('first')))
    await eventually('all are being received', async () => (await leases()) === stalledUploads)

    // What they hold while they wait: no transaction, so no lock and no connection of the pool.
    if (engine === 'postgres') {
      const { rows } = await sql<{ busy: number }>`
        select count(*) as busy from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`.execute(server.database)
      expect(rows[0]?.busy).toBe(0)
    }
    const pushed = await Promise.all(
      Array.from({ length: 40 }, (_each, index) => client.pushImage(`slow/app${index}`, 'latest', [`layer ${index}`])),
    )
    const pulled = await Promise.all(
      pushed.map(({ digest }, index) => client.request('GET', `/v2/slow/app${index}/manifests/${digest}`)),
    )
    expect(pulled.map(({ status }) => status)).toEqual(pushed.map(() => 200))

    await Promise.all(stalled.map(({ connection }) => connection.closed))
    await eventually('no session is held any more', async () => (await leases()) === 0)
    for (const { location } of stalled.slice(0, 10)) expect(await offsetOf(location)).toBe('0-4')
    const digest = sha256('first and last')
    const resumed = await client.request('PUT', `${stalled[0]?.location}?digest=${digest}`, { body: ' and last' })
    expect(resumed.status).toBe(201)
    expect(server.log.filter(line => line.includes('"status":5'))).toEqual([])
  }, 60_000)

  test(`${stalledDownloads} answers that nobody reads hold up neither push nor pull`, async () => {
    const content = new Uint8Array(4 * 1024 * 1024)
    const digest = await client.pushBlob('slow/image', content)
    const stalled = await Promise.all(Array.from({ length: stalledDownloads }, () => connectRaw(server.url)))
    for (const { socket } of stalled) {
      socket.pause()
      socket.write(requestHead(server.url, `GET /v2/slow/image/blobs/${digest}`, { authorization: server.basic }))
    }
    await eventually('all are being served', () => openFilesBelow(`${server.dataDir}/blobs`) === stalledDownloads)
    await client.pushImage('slow/image', 'meanwhile')
    expect(await (await client.request('GET', `/v2/slow/image/blobs/${digest}`)).bytes()).toEqual(content)
    for (const { socket } of stalled) socket.destroy()
    await eventually('no file is open any more', () => openFilesBelow(`${server.dataDir}/blobs`) === 0)
  }, 60_000)

  test('a byte a second keeps one alive past the limit', async () => {
    const { connection, location } = await beginStalled('')
    const drip = setInterval(() => connection.socket.write('x'), 1_000)
    const startedMs = performance.now()
    let isClosed = false
    void connection.closed.then(() => {
      isClosed = true
    })
    await eventually('the limit has passed twice', () => performance.now() - startedMs > 2 * idleTimeoutMs + 4_000)
    expect(isClosed).toBe(false)
    clearInterval(drip)
    await connection.closed
    await eventually('no session is held any more', async () => (await leases()) === 0)
    const [, last] = /^0-(\d+)$/.exec((await offsetOf(location)) ?? '') ?? []
    expect(Number(last)).toBeGreaterThan((2 * idleTimeoutMs) / 1_000 - 4)
  }, 60_000)
})
