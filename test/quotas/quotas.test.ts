import { afterAll, beforeAll, expect, test } from 'bun:test'
import { ociImage, type RegistryClient, registryClient } from '../oci/registry-client.ts'
import { createOrganization, describeServers, managementToken, startTestServer, type TestServer } from '../server.ts'

const limits = { organizations: 3, repositories: 7, tags: 9 }
const atOnce = 100

describeServers('quotas', engine => {
  let server: TestServer
  let client: RegistryClient
  let token: string

  beforeAll(async () => {
    server = await startTestServer(engine, {
      STOWER_QUOTAS_ORGANIZATIONS: String(limits.organizations),
      STOWER_QUOTAS_REPOSITORIES: String(limits.repositories),
      STOWER_QUOTAS_TAGS: String(limits.tags),
    })
    client = registryClient(server)
    token = await managementToken(server)
    await createOrganization(server, 'group')
    await client.pushImage('group/app', 'v1')
  })
  afterAll(() => server.stop())

  async function manage(method: string, path: string, body?: unknown) {
    const response = await fetch(`${server.url}/v2/manage${path}`, {
      method,
      headers: { 'x-auth-token': token, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, code: text === '' ? '' : (JSON.parse(text).error_code ?? '') }
  }

  const many = <T>(make: (number: number) => Promise<T>) =>
    Promise.all(Array.from({ length: atOnce }, (_, number) => make(number)))
  const countOf = <T>(values: readonly T[], value: T) => values.filter(each => each === value).length

  test(`of ${atOnce} organizations made at once there come as many as the account may have`, async () => {
    const answers = await many(number => manage('POST', '/namespaces', { namespace: `org${number}` }))
    expect(
      countOf(
        answers.map(answer => answer.status),
        201,
      ),
    ).toBe(limits.organizations - 1)
    const refused = answers.filter(answer => answer.status !== 201)
    expect(new Set(refused.map(answer => `${answer.status} ${answer.code}`))).toEqual(
      new Set(['400 SVCSTG.SWR.4000097']),
    )
    expect(await server.database.selectFrom('organizations').select('id').execute()).toHaveLength(limits.organizations)
    // One that has the name of another is told of that first.
    expect(await manage('POST', '/namespaces', { namespace: 'group' })).toEqual({
      status: 409,
      code: 'SVCSTG.SWR.4090060',
    })
  })

  test(`of ${atOnce} repositories made at once, by calls and by pushes, there come as many as the account may have`, async () => {
    const answers = await many(async number => {
      if (number % 2 === 0) {
        const { status, code } = await manage('POST', '/namespaces/group/repos', {
          repository: `made${number}`,
          is_public: false,
        })
        return `${status} ${code}`
      }
      // Uploads of one image come side by side: two of each repository.
      const pushed = await client.request('POST', `/v2/group/pushed${Math.floor(number / 4)}/blobs/uploads/`)
      return pushed.status === 202 ? '202' : `${pushed.status} ${JSON.stringify(await pushed.json())}`
    })
    const repositories = await server.database.selectFrom('repositories').select('name').execute()
    expect(repositories).toHaveLength(limits.repositories)
    const sentence =
      'the account has no room for another repository, its quota is 7: delete some, or ask the operator of the registry for more'
    const allowed = [
      '201 ',
      '202',
      '400 SVCSTG.SWR.4000098',
      `403 ${JSON.stringify({ errors: [{ code: 'DENIED', message: sentence }] })}`,
    ]
    expect(answers.filter(answer => !allowed.includes(answer))).toEqual([])
    // Whoever pushes to one that is there needs no room.
    for (const { name } of repositories.filter(row => row.name.startsWith('pushed'))) {
      expect((await client.request('POST', `/v2/group/${name}/blobs/uploads/`)).status).toBe(202)
    }
    const [gone] = repositories.filter(row => row.name !== 'app')
    expect((await manage('DELETE', `/namespaces/group/repos/${gone?.name}`)).status).toBe(204)
    expect((await manage('POST', '/namespaces/group/repos', { repository: 'room', is_public: false })).status).toBe(201)
  })

  test(`of ${atOnce} tags pushed at once, by the path and by tag=, there come as many as a repository may have`, async () => {
    const { body, digest } = await client.pushImage('group/app', 'v1')
    const put = (reference: string) =>
      client.request('PUT', `/v2/group/app/manifests/${reference}`, { headers: { 'content-type': ociImage }, body })
    const answers = await many(async number => {
      const pushed = await put(number % 2 === 0 ? `t${number}` : `${digest}?tag=t${number}`)
      return pushed.status === 201 ? '201' : `${pushed.status} ${await pushed.text()}`
    })
    expect(countOf(answers, '201')).toBe(limits.tags - 1)
    const sentence =
      'group/app has no room for more tags, its quota is 9: delete some, or ask the operator of the registry for more'
    const refusal = `403 ${JSON.stringify({ errors: [{ code: 'DENIED', message: sentence }] })}`
    expect(new Set(answers)).toEqual(new Set(['201', refusal]))
    const listed = (await (await client.request('GET', '/v2/group/app/tags/list')).json()) as { tags: string[] }
    expect(listed.tags).toHaveLength(limits.tags)
    // A tag that is there can be pushed again, and one that goes makes room.
    expect((await put('v1')).status).toBe(201)
    expect((await client.request('DELETE', '/v2/group/app/manifests/v1')).status).toBe(202)
    expect((await put('v2')).status).toBe(201)
    expect((await put('v3')).status).toBe(403)
  })

  test(`of ${atOnce} tags made from another at once there come as many as a repository may have`, async () => {
    const before = await server.database.selectFrom('tags').select('name').execute()
    const dropped = before.slice(0, 4)
    for (const { name } of dropped) await client.request('DELETE', `/v2/group/app/manifests/${name}`)
    const [source] = before.slice(-1)
    const answers = await many(async number => {
      const made = await manage('POST', '/namespaces/group/repos/app/tags', {
        ...{ source_tag: source?.name, destination_tag: `made${number}` },
      })
      return `${made.status} ${made.code}`
    })
    expect(countOf(answers, '201 ')).toBe(dropped.length)
    expect(new Set(answers)).toEqual(new Set(['201 ', '400 SVCSTG.SWR.4000099']))
    expect(await server.database.selectFrom('tags').select('id').execute()).toHaveLength(limits.tags)
    // One that is made over another needs no room.
    const again = { source_tag: source?.name, destination_tag: before.at(-2)?.name, override: true }
    expect((await manage('POST', '/namespaces/group/repos/app/tags', again)).status).toBe(201)
  })

  test('of a push whose tags have no room all at once nothing is kept, and nothing of it is lost', async () => {
    const { body } = await client.pushImage('group/app', 'v2', ['layer one'])
    const blob = await client.pushBlob('group/app', 'a layer of what is refused')
    const before = await server.database.selectFrom('manifests').selectAll().execute()
    const other = body.replace('"schemaVersion":2', '"schemaVersion":2,"annotations":{"a":"b"}')
    const pushed = await client.request('PUT', '/v2/group/app/manifests/v3', {
      headers: { 'content-type': ociImage },
      body: other,
    })
    expect(pushed.status).toBe(403)
    expect(await server.database.selectFrom('manifests').selectAll().execute()).toEqual(before)
    expect((await client.request('HEAD', `/v2/group/app/blobs/${blob}`)).status).toBe(200)
  })
})
