import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test'
import {
  addAccount,
  addPerson,
  disablePerson,
  makePrivate,
  makePublic,
  type Person,
  share,
  unshare,
} from '../people.ts'
import { createOrganization, describeServers, managementToken, startTestServer, type TestServer } from '../server.ts'
import { imageOf, type Operation, operations, prepareGroup, startUpload } from './operations.ts'
import { dockerToken, type RegistryClient, registryClient, sha256 } from './registry-client.ts'

/** What a user of another account is answered on a private repository, while a share with it counts and after that. */
const matrix: Record<keyof typeof operations, string> = {
  'GET /v2/': '200 200',
  'HEAD /v2/': '200 200',
  'GET extensions': '200 200',
  'HEAD extensions': '200 200',
  'GET catalog': '200 200',
  'HEAD catalog': '200 200',
  'GET tags': '200 404',
  'HEAD tags': '200 404',
  'GET manifest by tag': '200 404',
  'HEAD manifest by digest': '200 404',
  'GET blob': '200 404',
  'HEAD blob': '200 404',
  'GET referrers': '200 200',
  'HEAD referrers': '200 200',
  'GET a missing tag': '404 404',
  'GET a missing repository': '404 404',
  'POST upload': '403 404',
  'POST a whole blob': '403 404',
  'POST a mount': '403 404',
  'GET upload': '403 404',
  'HEAD upload': '403 404',
  'PATCH upload': '403 404',
  'PUT upload': '403 404',
  'DELETE upload': '403 404',
  'PUT manifest over a tag': '403 404',
  'PUT manifest by digest': '403 404',
  'PUT manifest to a new repository': '404 404',
  'POST upload to a new repository': '404 404',
  'DELETE tag': '403 404',
  'DELETE digest': '403 404',
  'DELETE blob': '403 404',
}

const dayMs = 86_400_000

describeServers('images that another account shares', engine => {
  let server: TestServer
  let receiver: Person
  let third: Person
  const time = { nowMs: Date.now() }

  beforeAll(async () => {
    server = await startTestServer(engine, {}, { clock: { nowMs: () => time.nowMs } })
    receiver = await addAccount(server, 'OTC111')
    third = await addAccount(server, 'OTC222')
    await createOrganization(server, 'theirs', { ...receiver, user: receiver.name })
  })
  afterAll(() => server.stop())

  let round = 0
  let organization: string
  let path: string
  beforeEach(async () => {
    round += 1
    organization = `group${round}`
    path = `${organization}/r`
    await createOrganization(server, organization)
    await prepareGroup(server, organization, 'private')
  })

  const deadlineOf = (timeMs: number) => new Date(timeMs).toISOString()
  /** The 00:00 UTC that ends a share with this deadline, told from the calendar. */
  const endOf = (timeMs: number) => Date.parse(`${deadlineOf(timeMs).slice(0, 10)}T00:00:00Z`) + dayMs
  const pullToken = (person: Person, actions = 'pull') =>
    dockerToken(server, [`repository:${path}:${actions}`], person.basic)
  /** What the ways to read answer, whatever one knows of the repository. */
  const reads = (client: RegistryClient, name = path) =>
    Promise.all(
      [
        ['GET', 'manifests/kept'],
        ['HEAD', `manifests/${sha256(imageOf('kept'))}`],
        ['GET', `blobs/${sha256('kept')}`],
        ['HEAD', `blobs/${sha256('kept')}`],
        ['GET', 'tags/list'],
      ].map(async ([method = '', rest]) => (await client.request(method, `/v2/${name}/${rest}`)).status),
    )
  const all = (status: number) => Array.from({ length: 5 }, () => status)

  for (const [column, what] of ['that counts', 'that has ended'].entries()) {
    test(`with a share ${what} a user may do what the table says, and nothing is changed`, async () => {
      await share(server, path, 'OTC111', column === 0 ? 'forever' : '2024-01-01T00:00:00Z')
      const client = registryClient(server, receiver.basic)
      const upload = (await startUpload(registryClient(server), path)) ?? ''
      const before = await everything()
      const answers: Record<string, number> = {}
      for (const [name, operation] of Object.entries<Operation>(operations)) {
        answers[name] = (await operation({ organization, client, upload })).status
      }
      const expected = Object.entries(matrix).map(([name, row]) => [name, Number(row.split(' ')[column])])
      expect(answers).toEqual(Object.fromEntries(expected))
      expect(await everything()).toEqual(before)
    })
  }

  test('every user of the account may pull what is pushed, byte for byte, and no user of a third one', async () => {
    await share(server, path, 'OTC111')
    const pulled = await registryClient(server, await pullToken(receiver)).request('GET', `/v2/${path}/manifests/kept`)
    expect([pulled.status, await pulled.text()]).toEqual([200, imageOf('kept')])
    expect(await reads(registryClient(server, receiver.basic))).toEqual(all(200))
    expect(await reads(registryClient(server, third.basic))).toEqual(all(404))
    expect(await reads(registryClient(server, await pullToken(third)))).toEqual(all(404))
    // Shares are with other accounts: of the own one grants say who may pull.
    expect(await reads(registryClient(server, (await addPerson(server, `none${round}`)).basic))).toEqual(all(404))
    const nobody = registryClient(server, await dockerToken(server, [`repository:${path}:pull`], ''))
    expect(await reads(nobody)).toEqual(all(401))
  })

  test('a token holds the pull that is shared, no matter what was asked for', async () => {
    await share(server, path, 'OTC111')
    const scopes = async (actions: string) => {
      const [, claims = ''] = (await pullToken(receiver, actions)).split('.')
      return JSON.parse(Buffer.from(claims, 'base64url').toString()).access
    }
    const pull = [{ type: 'repository', name: path, actions: ['pull'] }]
    expect(await scopes('pull,push,delete')).toEqual(pull)
    expect(await scopes('*')).toEqual(pull)
    expect(await scopes('push')).toEqual([])
    const narrow = await dockerToken(server, ['repository:theirs/x:pull'], receiver.basic)
    expect(await reads(registryClient(server, narrow))).toEqual(all(401))
  })

  test('at 00:00 UTC after the day of the deadline a token that was issued before is refused at once', async () => {
    for (const intoDayMs of [0, dayMs / 2, dayMs - 1]) {
      const deadlineMs = endOf(time.nowMs) + intoDayMs
      await share(server, path, 'OTC111', deadlineOf(deadlineMs))
      const endMs = endOf(deadlineMs)
      time.nowMs = endMs - 60_000
      const client = registryClient(server, await pullToken(receiver))
      // Twice, so that the answers are remembered where they are.
      for (const beforeMs of [60_000, 1]) {
        time.nowMs = endMs - beforeMs
        expect(await reads(client)).toEqual(all(200))
      }
      const get = () => client.request('GET', `/v2/${path}/manifests/kept`)
      expect((await get()).status).toBe(200)
      time.nowMs = endMs
      expect((await get()).status).toBe(404)
      time.nowMs = endMs + 1000
      expect(await reads(client)).toEqual(all(404))
      expect(await reads(registryClient(server, await pullToken(receiver)))).toEqual(all(404))
      const missing = await client.request('GET', '/v2/none/r/manifests/kept')
      expect(blank(await (await get()).text(), path)).toBe(blank(await missing.text(), 'none/r'))
      await unshare(server, path, 'OTC111')
    }
  })

  test('a share that is taken back, or whose user is disabled, ends with the next request', async () => {
    await share(server, path, 'OTC111')
    const client = registryClient(server, await pullToken(receiver))
    expect(await reads(client)).toEqual(all(200))
    await unshare(server, path, 'OTC111')
    expect(await reads(client)).toEqual(all(404))
    await share(server, path, 'OTC222')
    const other = registryClient(server, await pullToken(third))
    expect(await reads(other)).toEqual(all(200))
    await disablePerson(server, third)
    expect(await reads(other)).toEqual(all(401))
    third = await addAccount(server, `OTC222-${round}`)
  })

  test('a repository that is deleted and made anew is shared with nobody, also for tokens of before', async () => {
    await share(server, path, 'OTC111')
    const client = registryClient(server, await pullToken(receiver))
    expect(await reads(client)).toEqual(all(200))
    await deleteRepository(path)
    await prepareGroup(server, organization, 'private')
    expect(await reads(client)).toEqual(all(404))
    expect(await reads(registryClient(server))).toEqual(all(200))
  })

  test('a repository that is public for a while is shared as before when it is private again', async () => {
    await share(server, path, 'OTC111')
    const clients = [receiver, third].map(person => registryClient(server, person.basic))
    await makePublic(server, path)
    for (const client of clients) expect(await reads(client)).toEqual(all(200))
    await makePrivate(server, path)
    expect(await Promise.all(clients.map(client => reads(client)))).toEqual([all(200), all(404)])
  })

  test('what may be pulled may be mounted, with and without its source, as far as the token reaches', async () => {
    const client = registryClient(server, receiver.basic)
    const mount = async (by: RegistryClient, from = '') => {
      const name = `theirs/mounted${round}-${mounts++}`
      return (await by.request('POST', `/v2/${name}/blobs/uploads/?mount=${sha256('kept')}${from}`)).status
    }
    let mounts = 0
    expect(await mount(client, `&from=${path}`)).toBe(202)
    await share(server, path, 'OTC111', deadlineOf(time.nowMs))
    expect(await mount(client, `&from=${path}`)).toBe(201)
    expect(await mount(client)).toBe(201)
    const push = `repository:theirs/mounted${round}-${mounts}:pull,push`
    expect(
      await mount(registryClient(server, await dockerToken(server, [push], receiver.basic)), `&from=${path}`),
    ).toBe(202)
    time.nowMs = endOf(time.nowMs)
    // What the account itself holds by now is found without a source.
    expect(await mount(client, `&from=${path}`)).toBe(202)
  })

  test('the catalog holds what is shared as long as it is', async () => {
    const client = registryClient(server, receiver.basic)
    const catalog = async () => {
      const { repositories } = (await (await client.request('GET', '/v2/_catalog')).json()) as {
        repositories: string[]
      }
      return repositories.includes(path)
    }
    expect(await catalog()).toBe(false)
    await share(server, path, 'OTC111', deadlineOf(time.nowMs))
    expect(await catalog()).toBe(true)
    time.nowMs = endOf(time.nowMs)
    expect(await catalog()).toBe(false)
  })

  async function deleteRepository(name: string): Promise<void> {
    const [namespace, repository] = name.split('/')
    const response = await fetch(`${server.url}/v2/manage/namespaces/${namespace}/repos/${repository}`, {
      method: 'DELETE',
      headers: { 'x-auth-token': await managementToken(server) },
    })
    expect(response.status).toBe(204)
  }

  async function everything() {
    const count = async (table: 'repositories' | 'blob_links' | 'manifests' | 'upload_sessions' | 'events') => {
      const { rows } = await server.database
        .selectFrom(table)
        .select(eb => eb.fn.countAll<number>().as('rows'))
        .executeTakeFirstOrThrow()
      return rows
    }
    return [
      ...(await Promise.all(
        (['repositories', 'blob_links', 'manifests', 'upload_sessions', 'events'] as const).map(count),
      )),
      await server.database.selectFrom('tags').selectAll().orderBy('repository_id').orderBy('name').execute(),
    ]
  }
})

function blank(text: string, name: string): string {
  return text.replaceAll(name, '*').replaceAll(name.split('/')[0] ?? '', '*')
}
