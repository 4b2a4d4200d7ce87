import { afterAll, beforeAll, expect, test } from 'bun:test'
import { deriveLoginKey } from '../../src/protocol/auth/login-key.ts'
import { dockyardNamespaceListView, dockyardNamespaceView } from '../../src/protocol/manage/dockyard.ts'
import { ociImage, registryClient } from '../oci/registry-client.ts'
import { addAccount, addPerson, grant } from '../people.ts'
import {
  createOrganization,
  credentials,
  describeServers,
  managementToken,
  startTestServer,
  type TestServer,
} from '../server.ts'

describeServers('the API on the docker host', engine => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer(engine)
    await createOrganization(server, 'group')
    await registryClient(server).pushImage('group/a/b', 'v1')
  })
  afterAll(() => server.stop())

  const { accessKey, secretKey, project } = credentials
  const byKey = `Basic ${btoa(`${project}@${accessKey}:${deriveLoginKey(accessKey, secretKey)}`)}`
  /** With the type that Harbor sends with everything. */
  const ask = async (call: string, authorization = byKey, body?: string) => {
    const [method = '', path = ''] = call.split(' ')
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json; charset=utf-8' },
      ...(body !== undefined && { body }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }

  test('Harbor replicates into it: what it asks in its order, and as it reads the answers', async () => {
    const missing = await ask('GET /dockyard/v2/namespaces/harbor')
    expect([missing.status, missing.text]).toEqual([200, '{"id":0,"name":""}'])
    const made = await ask('POST /dockyard/v2/namespaces', byKey, '{"namespace":"harbor"}')
    expect([made.status, made.text]).toEqual([201, '{}'])
    const found = await ask('GET /dockyard/v2/namespaces/harbor')
    expect(found.status).toBe(200)
    expect(dockyardNamespaceView.parse(found.body)).toMatchObject({
      name: 'harbor',
      auth: 7,
      creator_name: 'user1',
    })

    const scope = 'scope=repository:harbor/app:push,pull'
    const { body } = await ask(`GET /swr/auth/v2/registry/auth?${scope}`)
    const bearer = `Bearer ${body.token}`
    expect((await ask('GET /v2/harbor/app/manifests/v1', bearer)).status).toBe(404)
    await registryClient(server).pushImage('harbor/app', 'v1')
    const again = `Bearer ${(await ask(`GET /swr/auth/v2/registry/auth?${scope}`)).body.token}`
    const manifest = await ask('GET /v2/harbor/app/manifests/v1', again)
    expect([manifest.status, manifest.headers.get('content-type')]).toEqual([200, ociImage])
    expect(Number(manifest.headers.get('content-length'))).toBe(Buffer.byteLength(manifest.text))
  })

  test('Harbor replicates from it: organizations, repositories with their tags, times that parse', async () => {
    for (const path of ['/dockyard/v2/visible/namespaces', '/dockyard/v2/namespaces']) {
      const { status, body } = await ask(`GET ${path}`)
      expect(status).toBe(200)
      const { namespaces } = dockyardNamespaceListView.strict().parse(body)
      expect(namespaces).toContainEqual({
        ...{ id: expect.any(Number), name: 'group', creator_name: 'user1', auth: 7, user_count: 1, image_count: 1 },
      })
    }
    const { status, body, headers } = await ask('GET /dockyard/v2/repositories?filter=center::self')
    expect(status).toBe(200)
    const item = body.find((each: { name: string }) => each.name === 'a/b')
    expect(item).toMatchObject({
      namespace: 'group',
      tags: ['v1'],
      is_public: false,
      status: false,
      total_range: body.length,
    })
    for (const time of [item.created_at, item.updated_at])
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
    expect(headers.get('content-range')).toBe(`0-${body.length}/${body.length}`)
  })

  test.each([
    ['limit=65535', 200],
    ['limit=1&offset=1', 200],
    ['limit=x', 400],
    ['limit=0', 400],
    ['filter=center::thirdparty', 400],
    ['filter=nonsense', 400],
  ])('GET repositories?%s is %p', async (query, status) => {
    const answer = await ask(`GET /dockyard/v2/repositories?${query}`)
    expect(answer.status).toBe(status)
    if (status === 200) expect(Array.isArray(answer.body)).toBe(true)
  })

  test('a user sees what grants show: organizations as a whole, or also those of single repositories', async () => {
    const person = await addPerson(server, 'guest')
    await grant(server, person, 'group/a/b', 1)
    const namesOf = async (path: string) =>
      (await ask(`GET ${path}`, person.basic)).body.namespaces.map((each: { name: string }) => each.name)
    expect(await namesOf('/dockyard/v2/namespaces')).toEqual([])
    expect(await namesOf('/dockyard/v2/visible/namespaces')).toEqual(['group'])
    const { body } = await ask('GET /dockyard/v2/repositories?filter=center::self', person.basic)
    expect(body.map((each: { name: string }) => each.name)).toEqual(['a/b'])
  })

  test('what another account has is missing, and its name is taken', async () => {
    const foreign = await addAccount(server, 'OTHER')
    const seen = await ask('GET /dockyard/v2/namespaces/group', foreign.basic)
    expect([seen.status, seen.body]).toEqual([200, { id: 0, name: '' }])
    expect((await ask('GET /dockyard/v2/repositories?filter=center::self', foreign.basic)).body).toEqual([])
    expect((await ask('POST /dockyard/v2/namespaces', foreign.basic, '{"namespace":"group"}')).status).toBe(409)
  })

  test('only docker logins open it', async () => {
    const docker = (await ask('GET /swr/auth/v2/registry/auth?service=dockyard')).body.token
    const token = await managementToken(server)
    const wrong = `Basic ${btoa(`${project}@${accessKey}:${'0'.repeat(64)}`)}`
    const refused = async (headers: Record<string, string>) => {
      const response = await fetch(`${server.url}/dockyard/v2/namespaces`, { headers })
      expect(response.headers.get('www-authenticate')).toBe('Basic realm="dockyard"')
      return response.status
    }
    for (const authorization of [wrong, `Bearer ${docker}`, `Bearer ${token}`])
      expect(await refused({ authorization })).toBe(401)
    expect(await refused({})).toBe(401)
    expect(await refused({ 'x-auth-token': token })).toBe(401)
    expect((await ask('GET /dockyard/v2/namespaces', server.basic)).status).toBe(200)
  })

  test.each([
    '/dockyard/v2',
    '/dockyard/v2/',
    '/dockyard/v2/nothing',
    '/dockyard/v2/namespaces/group/repos',
    '/dockyard',
  ])('GET %s is 404', async path => {
    const response = await fetch(`${server.url}${path}`, { headers: { authorization: byKey } })
    expect(response.status).toBe(404)
  })
})
