import { expect, test } from 'bun:test'
import { sql } from 'kysely'
import { memoryBytes, processTree } from '../../bench/processes.ts'
import { insertOrganization, openDatabaseOf } from '../crash/organization.ts'
import { initialSettings } from '../initial-settings.ts'
import { imageOf, putManifest } from '../oci/manifests-of-tests.ts'
import { registryClient } from '../oci/registry-client.ts'
import { credentials, managementToken } from '../server.ts'
import { connectRaw, eventually, requestHead } from '../slow/raw-connection.ts'
import { launch, temporaryFolder } from '../start/program.ts'

const tags = 60
const readers = 4
const mib = 1024 * 1024

test(`a page of ${tags} tags with manifests of almost 4 MiB is never in memory as a whole, however slowly it is read`, async () => {
  using folder = temporaryFolder()
  await using program = launch({ dataDir: folder.path, env: initialSettings(credentials) })
  const url = await program.serving
  await insertOrganization({ dataDir: folder.path }, 'many')
  const client = registryClient({ url, basic: `Basic ${btoa(`${credentials.user}:${credentials.password}`)}` })
  await client.pushBlob('many/app', '{}')
  const manifest = imageOf('{}', [], { annotations: { text: 'x'.repeat(3.9 * mib) } })
  expect((await putManifest(client, 'many/app:t00', manifest)).status).toBe(201)
  await insertTags(folder.path)
  const token = await managementToken({ url })
  const head = requestHead(url, 'GET /v2/manage/namespaces/many/repos/app/tags?limit=1000', { 'x-auth-token': token })

  const server = processTree(program.pid).at(-1) ?? program.pid
  const before = memoryBytes(server, 'VmRSS')
  using slow = new DisposableStack()
  for (let reader = 0; reader < readers; reader++) {
    const connection = slow.use(await connectRaw(url))
    connection.socket.write(head)
    await eventually('the answer began', () => connection.received() > 0)
    expect(connection.head()).toStartWith('HTTP/1.1 200')
    // Takes nothing more.
    connection.socket.pause()
  }
  const whole = await fetch(`${url}/v2/manage/namespaces/many/repos/app/tags?limit=1000`, {
    headers: { 'x-auth-token': token },
  })
  let bytes = 0
  let mostBytes = 0
  for await (const chunk of whole.body ?? []) {
    bytes += chunk.byteLength
    mostBytes = Math.max(mostBytes, memoryBytes(server, 'VmRSS'))
  }
  expect(whole.headers.get('content-range')).toBe(`0-${tags}/1`)
  expect(bytes).toBeGreaterThan(tags * 3.9 * mib)
  // Five such answers as a whole would be 1.2 GiB, and as much again as text.
  expect(mostBytes - before).toBeLessThan(450 * mib)
}, 120_000)

/** Puts tags beside the one that was pushed; what counts them is left alone. */
async function insertTags(dataDir: string): Promise<void> {
  await using db = await openDatabaseOf({ dataDir })
  await db.write(async tx => {
    await sql`insert into tags (repository_id, name, digest, created_ms, updated_ms)
      with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${tags - 1})
      select repository_id, printf('t%02d', n), digest, created_ms, updated_ms from tags, numbers`.execute(tx)
  })
}
