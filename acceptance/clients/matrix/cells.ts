import { expect } from 'bun:test'
import { logins } from '../../program.ts'
import type { Client, ClientName, Operations, Pushed } from '../client.ts'
import { type createUser, makePublic } from '../people.ts'
import { refusalOf } from '../refusal.ts'
import type { Stage } from '../stage.ts'
import { openTap } from '../tap.ts'
import { pushPlatforms } from './platforms.ts'
import type { Situation } from './situations.ts'

type User = Awaited<ReturnType<typeof createUser>>

/** What the cells of all clients have in common. */
export type Setting = {
  readonly stage: Stage
  /** May pull from the organization `group`. */
  readonly reader: User
  /** Has no right in anything. */
  readonly stranger: User
}

/** One row of the table: a client and what it pushed for its other cells. */
export type Row = {
  readonly name: ClientName
  /** Logged in with the password of the administrator. */
  readonly client: () => Promise<Client>
  /** The image `{name}/main:1.0.0`, pushed at the first call. */
  readonly main: () => Promise<Pushed>
}

export type Cell = (setting: Setting, row: Row) => Promise<void>

/** What is proved in each column. Where a client lacks an operation, `lacks.ts` stands for the cell. */
export const cells: { readonly [S in Exclude<Situation, 'goes on when its token expires during a push'>]: Cell } = {
  'logs in with a password': async (setting, row) => {
    const client = await setting.stage.newClient(row.name)
    await client.logIn(setting.stage.program.host, logins.password)
    await expectPushed(setting, await push(setting, client, 'by-password'), `${row.name}/by-password`)
  },

  'logs in with {project}@{AK}': async (setting, row) => {
    const client = await setting.stage.newClient(row.name)
    await client.logIn(setting.stage.program.host, logins['access key'])
    await expectPushed(setting, await push(setting, client, 'by-key'), `${row.name}/by-key`)
  },

  'pulls a public repository without a login': async (setting, row) => {
    const pushed = await push(setting, await row.client(), 'public')
    await makePublic(setting.stage.program, 'group', `${row.name}/public`)
    const client = await setting.stage.newClient(row.name)
    expect(await client.pull(image(setting, row, 'public'))).toEqual(pushed)
  },

  pushes: async (setting, row) => {
    await expectPushed(setting, await row.main(), `${row.name}/main`)
  },

  'pulls byte for byte what it pushed': async (setting, row) => {
    const pushed = await row.main()
    const client = await row.client()
    expect(await client.pull(image(setting, row, 'main'))).toEqual(pushed)
  },

  'lists tags': async (setting, row) => {
    await push(setting, await row.client(), 'tags')
    const { body, type } = await readManifest(setting, `${row.name}/tags`)
    const headers = { 'content-type': type }
    await setting.stage.registry.request('PUT', `/v2/group/${row.name}/tags/manifests/2.0.0`, { headers, body })
    const repository = `${setting.stage.program.host}/group/${row.name}/tags`
    expect([...(await operation(await row.client(), 'listTags')(repository))].sort()).toEqual(['1.0.0', '2.0.0'])
  },

  'copies to another repository without sending layers': async (setting, row) => {
    await using tap = await openTap(setting.stage.program.host)
    const client = await setting.stage.newClient(row.name)
    await client.logIn(tap.host, logins.password)
    const name = (repository: string) => `${tap.host}/group/${row.name}/${repository}:1.0.0`
    await client.push(await setting.stage.content(), name('original'))
    await operation(client, 'copy')(name('original'), name('copy'))
    const layers = layersOf(await readManifest(setting, `${row.name}/copy`))
    expect(layers).toEqual(layersOf(await readManifest(setting, `${row.name}/original`)))
    const uploads = tap.requests
      .filter(request => request.includes(`/v2/group/${row.name}/copy/blobs/uploads/`))
      .map(decodeURIComponent)
    const mounts = uploads.filter(request => /^POST .*[?&]mount=/.test(request))
    expect(layers.filter(layer => !mounts.some(request => request.includes(`mount=${layer}`)))).toEqual([])
    // The configuration is no layer: some clients send it anew.
    expect(uploads.filter(request => request.startsWith('PUT ')).length).toBeLessThanOrEqual(1)
  },

  'deletes an image': async (setting, row) => {
    const client = await row.client()
    await push(setting, client, 'deleted')
    await operation(client, 'remove')(image(setting, row, 'deleted'))
    await refusalOf(client.pull(image(setting, row, 'deleted')))
  },

  'pushes one name for two platforms': async (setting, row) => {
    const repository = `${row.name}/platforms`
    const tags = await pushPlatforms(setting.stage.registry, `group/${repository}`)
    const named = (tag: string) => `${setting.stage.program.host}/group/${repository}:${tag}`
    const parts = { children: tags.children.map(named), source: named(tags.source) }
    await operation(await row.client(), 'pushIndex')(parts, named('1.0.0'))
    const { body, type } = await readManifest(setting, repository)
    expect(type).toMatch(/^application\/vnd\.(oci\.image\.index\.v1|docker\.distribution\.manifest\.list\.v2)\+json$/)
    const { manifests } = JSON.parse(body) as { manifests: { digest: string; platform: { architecture: string } }[] }
    expect(manifests.map(({ platform }) => platform.architecture).sort()).toEqual(['amd64', 'arm64'])
    for (const { digest } of manifests) await readManifest(setting, repository, digest)
  },

  'pushes an artifact that refers to an image and finds it': async (setting, row) => {
    const client = await row.client()
    const { digest } = await push(setting, client, 'subject')
    await operation(client, 'attach')(image(setting, row, 'subject'), 'application/vnd.acceptance.note')
    const response = await setting.stage.registry.request('GET', `/v2/group/${row.name}/subject/referrers/${digest}`)
    const { manifests } = (await response.json()) as { manifests: { artifactType: string }[] }
    expect(manifests.length).toBeGreaterThan(0)
    const found = await operation(client, 'listReferrers')(image(setting, row, 'subject'))
    expect([...found].sort()).toEqual(manifests.map(({ artifactType }) => artifactType).sort())
  },

  'is refused with a wrong password': async (setting, row) => {
    const client = await setting.stage.newClient(row.name)
    await row.main()
    const attempt = async () => {
      // Some check a login, others write it down until they need it.
      await client.logIn(setting.stage.program.host, { ...logins.password, password: 'not the password' })
      await client.pull(image(setting, row, 'main'))
    }
    expect(await refusalOf(attempt())).toMatch(
      /the user name or the password is wrong|invalid username\/password|401|unauthorized/i,
    )
  },

  'is refused a push with the right to pull': async (setting, row) => {
    const client = await setting.stage.newClient(row.name)
    await client.logIn(setting.stage.program.host, setting.reader)
    expect(await refusalOf(push(setting, client, 'refused'))).toMatch(/denied|403/i)
  },

  'is refused a pull without a right': async (setting, row) => {
    await row.main()
    const client = await setting.stage.newClient(row.name)
    await client.logIn(setting.stage.program.host, setting.stranger)
    const message = await refusalOf(client.pull(image(setting, row, 'main')))
    expect(message).toMatch(/there is no organization group, or you have no right in it|not found|unauthorized|401/i)
  },
}

function image({ stage }: Setting, { name }: Pick<Row, 'name'>, repository: string): string {
  return `${stage.program.host}/group/${name}/${repository}:1.0.0`
}

async function push(setting: Setting, client: Client, repository: string): Promise<Pushed> {
  return client.push(await setting.stage.content(), image(setting, client, repository))
}

/** Throws for a client that has no such operation and no row in `lacks.ts` that says why. */
function operation<Name extends keyof Operations>(client: Client, name: Name): Operations[Name] {
  const operations: Partial<Operations> = client
  const found = operations[name]
  if (found === undefined) throw new Error(`${client.name} has no operation ${name}: lacks.ts has to say why`)
  return found
}

/** The registry holds under the tag what the client says that it pushed. */
async function expectPushed(setting: Setting, { digest }: Pushed, repository: string): Promise<void> {
  const { body } = await readManifest(setting, repository)
  expect(`sha256:${new Bun.CryptoHasher('sha256').update(body).digest('hex')}`).toBe(digest)
}

async function readManifest({ stage }: Setting, repository: string, reference = '1.0.0') {
  const response = await stage.registry.request('GET', `/v2/group/${repository}/manifests/${reference}`)
  const body = await response.text()
  if (response.status !== 200) throw new Error(`${repository}: ${response.status} ${body}`)
  return { body, type: response.headers.get('content-type') ?? '' }
}

function layersOf({ body }: { body: string }): string[] {
  return JSON.parse(body).layers.map(({ digest }: { digest: string }) => digest)
}
