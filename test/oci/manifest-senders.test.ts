import { afterAll, beforeAll, expect, test } from 'bun:test'
import { pushManifest } from '../../src/core/manifests/push.ts'
import { type Digest, digestOf } from '../../src/protocol/oci/digest.ts'
import { parseManifest } from '../../src/protocol/oci/manifest.ts'
import { openCoreRegistry } from '../core-registry.ts'
import { describeEngines } from '../databases.ts'
import { createOrganization, startTestServer, type TestServer } from '../server.ts'
import { connectRaw, requestHead } from '../slow/raw-connection.ts'

const mib = 1024 * 1024
const senders = 40

describeEngines('senders of manifests', (engine, open) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer(engine)
    await createOrganization(server, 'group')
  })
  afterAll(() => server.stop())

  test(`those of nobody are not held: ${senders} of 4 MiB that stop before their end are refused`, async () => {
    const body = Buffer.alloc(4 * mib - 1, ' ')
    const headers = { 'content-length': String(4 * mib), 'content-type': 'application/json' }
    const before = process.memoryUsage().rss
    const startedMs = performance.now()
    const connections = await Promise.all(Array.from({ length: senders }, () => connectRaw(server.url)))
    for (const { socket } of connections) {
      socket.write(requestHead(server.url, 'PUT /v2/group/app/manifests/v1', headers))
      socket.write(body)
    }
    await Promise.all(connections.map(({ closed }) => closed))
    expect(connections.map(({ head }) => head().slice(0, 12))).toEqual(connections.map(() => 'HTTP/1.1 401'))
    // Long before a transfer that stands still would end.
    expect(performance.now() - startedMs).toBeLessThan(30_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(96 * mib)
  }, 120_000)

  test('one that is refused is read to its end first, for who sends all of it before listening', async () => {
    using connection = await connectRaw(server.url)
    const headers = { 'content-length': '6', connection: 'close' }
    connection.socket.write(`${requestHead(server.url, 'PUT /v2/group/app/manifests/v1', headers)}{"a"`)
    // Time enough for an answer that does not wait.
    for (let count = 0; count < 20; count++) await fetch(`${server.url}/v2/`)
    expect(connection.head()).toBe('')
    connection.socket.write(':1')
    await connection.closed
    expect(connection.head()).toStartWith('HTTP/1.1 401')
  })

  test('one whose sender lost the right while it came is refused', async () => {
    await using database = { ...(await open()), [Symbol.asyncDispose]: () => database.dispose() }
    const registry = await openCoreRegistry(database.db)
    const { deps, by } = registry
    const body = new TextEncoder().encode('{"schemaVersion":2,"manifests":[]}')
    const manifest = parseManifest(body, 'application/vnd.oci.image.index.v1+json')
    const push = (tag: string, meanwhile: () => Promise<void>) =>
      pushManifest({ ...deps, sparseManifests: false }, by, { organization: 'group', repository: 'app' }, async () => {
        await meanwhile()
        return { body, manifest, digest: digestOf('sha256', body) as Digest, tags: [tag] }
      })
    await push('before', async () => {})
    const late = push('after', async () => {
      registry.passMs(60_000)
      await database.db.write(async tx => {
        await tx.updateTable('users').set({ is_enabled: 0 }).execute()
      })
    })
    await expect(late).rejects.toMatchObject({ code: 'credentials_invalid' })
    const tags = await database.db.read.selectFrom('tags').select('name').execute()
    expect(tags).toEqual([{ name: 'before' }])
  })
})
