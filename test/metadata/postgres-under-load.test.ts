import { expect } from 'bun:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type RegistryClient, registryClient, sha256 } from '../oci/registry-client.ts'
import { startRelay } from '../postgres-relay.ts'
import { postgresServer } from '../postgres-server.ts'
import { createOrganization, startTestServer } from '../server.ts'
import { eventually } from '../slow/raw-connection.ts'
import { testWithTools } from '../tools.ts'

const pushers = 8
const pullers = 24
/** How often PostgreSQL goes away. */
const outages = 3

/** What was answered, and every image of which a pusher knows that it is there. */
type Load = { statuses: Map<number, number>; pushed: { name: string; tag: string; digest: string }[]; isOver: boolean }

testWithTools(
  ['postgres'],
  'while PostgreSQL is away requests are 503, nothing is half made, and all goes on by itself when it is back',
  async () => {
    const relay = await startRelay(await (await postgresServer()).createMigrated())
    const server = await startTestServer('postgres', { STOWER_DATABASE_URL: relay.url })
    await createOrganization(server, 'load')
    const client = registryClient(server)
    const load: Load = { statuses: new Map(), pushed: [], isOver: false }
    const countOf = (status: number) => load.statuses.get(status) ?? 0
    const readiness = async () => (await fetch(`${server.url}/readyz`)).status
    const clients = [
      ...Array.from({ length: pushers }, (_each, number) => pushUntilOver(client, load, number)),
      ...Array.from({ length: pullers }, () => pullUntilOver(client, load)),
    ]

    for (let outage = 0; outage < outages; outage++) {
      const pushedBefore = load.pushed.length
      await eventually('pushes go on', () => load.pushed.length >= pushedBefore + pushers)
      const refusedBefore = countOf(503)
      relay.cut()
      await eventually('requests are refused', () => countOf(503) > refusedBefore + pullers)
      await eventually('it is not ready', async () => (await readiness()) === 503)
      relay.mend()
      await eventually('it is ready again', async () => (await readiness()) === 200)
    }
    load.isOver = true
    await Promise.all(clients)

    expect([...load.statuses.keys()].filter(status => ![200, 201, 202, 503].includes(status))).toEqual([])
    for (const { name, tag, digest } of load.pushed) {
      const pulled = await client.request('GET', `/v2/${name}/manifests/${tag}`)
      expect(sha256(await pulled.bytes())).toBe(digest)
    }
    // Every row has its bytes; bytes without a row may stay for what was open when the connection broke.
    const files = readdirSync(join(server.dataDir, 'blobs'), { recursive: true }).map(String)
    const blobs = await server.database.selectFrom('blobs').select('location').execute()
    expect(blobs.filter(({ location }) => !files.includes(location))).toEqual([])
    await eventually('no upload is held', async () => {
      const held = server.database.selectFrom('upload_sessions').select('id').where('lease_until_ms', '>', 0)
      return (await held.execute()).length === 0
    })
    const failed = server.log.filter(line => /"status":5(?!03)/.test(line))
    expect(failed).toEqual([])
    await server.stop()
    relay.close()
  },
  120_000,
)

/** Requests one after another until the load is over; each image that was answered is one that has to be there. */
async function pushUntilOver(client: RegistryClient, load: Load, number: number): Promise<void> {
  const name = `load/app${number}`
  const send = async (...request: Parameters<RegistryClient['request']>) => {
    const answer = await client.request(...request)
    load.statuses.set(answer.status, (load.statuses.get(answer.status) ?? 0) + 1)
    await answer.arrayBuffer()
    return answer
  }
  for (let round = 0; !load.isOver; round++) {
    const content = `content ${number} ${round}`
    const begun = await send('POST', `/v2/${name}/blobs/uploads/`)
    const location = begun.headers.get('location')
    if (begun.status !== 202 || location === null) continue
    if ((await send('PATCH', location, { body: content })).status !== 202) continue
    if ((await send('PUT', `${location}?digest=${sha256(content)}`)).status !== 201) continue
    const config = {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: sha256(content),
      size: content.length,
    }
    const mediaType = 'application/vnd.oci.image.manifest.v1+json'
    const body = JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [] })
    const tag = `v${round}`
    const put = await send('PUT', `/v2/${name}/manifests/${tag}`, { headers: { 'content-type': mediaType }, body })
    if (put.status === 201) load.pushed.push({ name, tag, digest: sha256(body) })
  }
}

async function pullUntilOver(client: RegistryClient, load: Load): Promise<void> {
  while (!load.isOver) {
    const image = load.pushed[Math.floor(Math.random() * load.pushed.length)]
    const path = image ? `/v2/${image.name}/manifests/${image.tag}` : '/v2/'
    const { status, arrayBuffer } = await client.request('GET', path).then(answer => ({
      status: answer.status,
      arrayBuffer: () => answer.arrayBuffer(),
    }))
    await arrayBuffer()
    load.statuses.set(status, (load.statuses.get(status) ?? 0) + 1)
  }
}
