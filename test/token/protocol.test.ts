import { describe, expect, test } from 'bun:test'
import { decodeJwt } from 'jose'
import { describeRegistry } from '../oci/describe-registry.ts'
import { dockerToken, type RegistryClient, registryClient, sha256 } from '../oci/registry-client.ts'
import { addPerson, grant } from '../people.ts'
import { credentials, managementToken, startTestServer } from '../server.ts'

/** The docker token protocol between a client and the whole server (distribution, "Token Authentication Specification"). */
describeRegistry('the token protocol on the wire', registry => {
  const askToken = (query: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
    fetch(`${registry.at.server.url}/swr/auth/v2/registry/auth?${query}`, { headers, ...init })
  const accessIn = async (answer: Response) => {
    const { token } = (await answer.json()) as { token: string }
    return (decodeJwt(token).access as { name: string; actions: string[] }[]).map(
      ({ name, actions }) => `${name}:${actions.join(',')}`,
    )
  }
  const basic = () => ({ authorization: registry.at.server.basic })

  test('a client that follows the challenge is let in by the token it gets', async () => {
    const { server, client } = registry.at
    await client.pushImage('group/followed', 'v1')
    const refused = await registryClient(server, '').request('GET', '/v2/group/followed/manifests/v1')
    expect(refused.status).toBe(401)
    const challenge = refused.headers.get('www-authenticate') ?? ''
    const parameters = Object.fromEntries(
      [...challenge.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]),
    )
    expect(Object.keys(parameters)).toEqual(['realm', 'service', 'scope'])
    const { realm = '', service = '', scope = '' } = parameters
    const answer = await fetch(`${realm}?${new URLSearchParams({ service, scope, account: 'user1' })}`, {
      headers: basic(),
    })
    const { token } = (await answer.json()) as { token: string }
    const pulled = await registryClient(server, `Bearer ${token}`).request('GET', '/v2/group/followed/manifests/v1')
    expect(pulled.status).toBe(200)
  })

  test('what a client says of itself changes nothing: account, client_id, offline_token', async () => {
    const query = 'service=dockyard&scope=repository:group/app:pull&account=nobody&client_id=docker&offline_token=true'
    const answer = await askToken(query, basic())
    expect(answer.status).toBe(200)
    const body = (await answer.json()) as Record<string, unknown>
    expect(Object.keys(body).sort()).toEqual(['access_token', 'expires_in', 'issued_at', 'token'])
    expect(body.expires_in).toBeGreaterThanOrEqual(60)
    expect(Math.abs(Date.parse(String(body.issued_at)) - Date.now())).toBeLessThan(60_000)
    expect(decodeJwt(String(body.token)).user).toMatchObject({ name: credentials.user })
  })

  test.each([
    ['a class', 'repository(plugin):group/app:pull', ['group/app:pull']],
    ['a host with a port before the name', 'repository:registry.example:5000/group/app:pull', []],
    [
      'scopes repeated and joined',
      'repository:group/a:pull&scope=repository:group/b:push%20registry:catalog:*',
      ['group/a:pull', 'group/b:push', 'catalog:*'],
    ],
    ['one repository in two scopes', 'repository:group/a:pull&scope=repository:group/a:push', ['group/a:pull,push']],
    ['every action on what is not made yet', 'repository:group/a:*', ['group/a:pull,push']],
  ] as const)('%s in a scope gives what is meant', async (_what, scope, expected) => {
    expect(await accessIn(await askToken(`scope=${scope}`, basic()))).toEqual([...expected])
  })

  test('the OAuth2 form is answered 404, and the client that comes back with GET gets its token', async () => {
    const body = new URLSearchParams({ grant_type: 'password', username: 'user1', password: 'x', service: 'dockyard' })
    for (const path of ['/swr/auth/v2/registry/auth', '/swr/auth/v2/registry/auth/']) {
      const posted = await fetch(`${registry.at.server.url}${path}`, { method: 'POST', body })
      expect(posted.status).toBe(404)
    }
    expect((await askToken('service=dockyard', basic())).status).toBe(200)
  })

  test('a token that is too narrow is 401 with the scope to ask for, and 403 once the right itself is lacking', async () => {
    const { server, client } = registry.at
    await client.pushImage('group/narrow', 'v1')
    const reader = await addPerson(server, 'narrow-reader')
    await grant(server, reader, 'group/narrow', 1)
    const wanted = 'repository:group/narrow:pull,push'
    const push = async (token: string) => {
      const answer = await registryClient(server, token).request('POST', '/v2/group/narrow/blobs/uploads/')
      return { status: answer.status, challenge: answer.headers.get('www-authenticate'), body: await answer.text() }
    }
    const narrow = await push(await dockerToken(server, ['repository:group/narrow:pull']))
    expect(narrow.status).toBe(401)
    expect(narrow.challenge).toEndWith(`scope="${wanted}",error="insufficient_scope"`)
    expect((await push(await dockerToken(server, [wanted]))).status).toBe(202)
    const lacking = await push(await dockerToken(server, [wanted], reader.basic))
    expect(lacking).toMatchObject({ status: 403, challenge: null })
    expect(lacking.body).toContain('"DENIED"')
  })

  test.each<[what: string, authorization: () => string | Promise<string>]>([
    ['a wrong password', () => `Basic ${btoa('user1:wrong')}`],
    ['an unknown user', () => `Basic ${btoa('nobody:wrong')}`],
    ['a scheme that is not known', () => 'Negotiate abc'],
    ['no credentials behind the scheme', () => 'Basic'],
    ['a token that is none', () => 'Bearer x.y.z'],
    ['a management token', async () => `Bearer ${await managementToken(registry.at.server)}`],
  ])('%s is 401 on what everyone may pull, and on /v2/', async (what, authorization) => {
    const { server, client } = registry.at
    const name = `group/public-${what.length}`
    await client.pushImage(name, 'v1')
    await makePublic(name)
    const header = await authorization()
    expect((await registryClient(server, '').request('GET', `/v2/${name}/manifests/v1`)).status).toBe(200)
    for (const path of [`/v2/${name}/manifests/v1`, '/v2/']) {
      const answer = await registryClient(server, header).request('GET', path)
      expect([path, answer.status]).toEqual([path, 401])
      expect(answer.headers.get('www-authenticate')).toStartWith('Bearer realm=')
    }
    expect((await registryClient(server, '').request('GET', '/v2/')).status).toBe(401)
  })

  test('a token in the URL counts for nothing', async () => {
    const token = (await dockerToken(registry.at.server, ['repository:group/narrow:pull'])).replace('Bearer ', '')
    for (const name of ['access_token', 'token', 'authorization', 'jwt']) {
      const answer = await registryClient(registry.at.server, '').request('GET', `/v2/?${name}=${token}`)
      expect(answer.status).toBe(401)
    }
  })

  test('a grant that is taken back, and one on a repository that was made anew, open nothing with an old token', async () => {
    const { server, client } = registry.at
    const writer = await addPerson(server, 'remade-writer')
    await client.pushImage('group/remade', 'v1')
    await grant(server, writer, 'group/remade', 7)
    const token = await dockerToken(server, ['repository:group/remade:pull,push,delete'], writer.basic)
    const status = async (narrow: RegistryClient) =>
      (await narrow.request('GET', '/v2/group/remade/manifests/v1')).status
    expect(await status(registryClient(server, token))).toBe(200)
    const headers = { 'x-auth-token': await managementToken(server) }
    const path = `${server.url}/v2/manage/namespaces/group/repos/remade`
    expect((await fetch(path, { method: 'DELETE', headers })).status).toBe(204)
    expect(await status(registryClient(server, token))).toBe(404)
    await client.pushImage('group/remade', 'v1')
    expect(await status(client)).toBe(200)
    expect(await status(registryClient(server, token))).toBe(404)
    expect(await status(registryClient(server, writer.basic))).toBe(404)
  })

  test('what is not there and what is not seen take about the same time', async () => {
    const { server, client } = registry.at
    await client.pushImage('group/unseen', 'v1')
    await client.pushBlob('group/strangers', 'theirs')
    const digests: Record<string, string> = {
      'group/unseen': await client.pushBlob('group/unseen', 'unseen'),
      'group/absent': sha256('absent'),
    }
    const stranger = await addPerson(server, 'stranger')
    await grant(server, stranger, 'group/strangers', 3)
    const token = await dockerToken(
      server,
      ['repository:group/unseen:pull', 'repository:group/absent:pull', 'repository:group/strangers:pull,push'],
      stranger.basic,
    )
    const narrow = registryClient(server, token)
    const mount = (name: string, from: string) =>
      narrow.request('POST', `/v2/group/strangers/blobs/uploads/?mount=${digests[name]}${from}`)
    // Who may see it is told otherwise, so there is something to tell.
    const seen = await client.request('POST', `/v2/group/strangers/blobs/uploads/?mount=${digests['group/unseen']}`)
    expect(seen.status).toBe(201)
    expect((await client.request('DELETE', seen.headers.get('location') ?? '')).status).toBe(202)
    const requests: [what: string, status: number, of: (name: string) => Promise<Response>][] = [
      ['a manifest', 404, name => narrow.request('GET', `/v2/${name}/manifests/v1`)],
      ['a mount with its source', 202, name => mount(name, `&from=${name}`)],
      ['a mount', 202, name => mount(name, '')],
      ['a token', 200, name => askToken(`scope=repository:${name}:pull`, { authorization: stranger.basic })],
    ]
    for (const [what, status, of] of requests) {
      // The least of many tells what the work takes; more than that is the machine's.
      const least: Record<string, number> = { 'group/unseen': Infinity, 'group/absent': Infinity }
      for (let round = 0; round < 60; round++) {
        for (const name of Object.keys(least)) {
          const startedMs = performance.now()
          const answer = await of(name)
          await answer.arrayBuffer()
          expect([what, name, answer.status]).toEqual([what, name, status])
          least[name] = Math.min(least[name] ?? Infinity, performance.now() - startedMs)
        }
      }
      const [unseen = 0, absent = 0] = Object.values(least)
      expect([what, Math.max(unseen, absent) / Math.min(unseen, absent) < 2]).toEqual([what, true])
    }
  })

  async function makePublic(name: string): Promise<void> {
    const [organization, repository] = name.split('/')
    const { server } = registry.at
    const answer = await fetch(`${server.url}/v2/manage/namespaces/${organization}/repos/${repository}`, {
      method: 'PATCH',
      headers: { 'x-auth-token': await managementToken(server), 'content-type': 'application/json' },
      body: JSON.stringify({ is_public: true }),
    })
    expect(answer.status).toBe(201)
  }
})

describe('the realm of a challenge', () => {
  const realmFor = async (settings: Record<string, string>, headers: Record<string, string>) => {
    const server = await startTestServer('sqlite', settings)
    try {
      const answer = await fetch(`${server.url}/v2/`, { headers })
      const realm = /realm="([^"]*)"/.exec(answer.headers.get('www-authenticate') ?? '')?.[1]
      return realm?.replace(server.url, 'its own address')
    } finally {
      await server.stop()
    }
  }
  const external = { STOWER_EXTERNAL_URL: 'https://swr.example.org,https://other.example.org' }
  const evil = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }
  const path = '/swr/auth/v2/registry/auth/'

  test.each([
    ['is the address of the server where nothing is configured', {}, {}, `its own address${path}`],
    ['is not what an unlisted peer says in X-Forwarded-Host', {}, evil, `its own address${path}`],
    ['is not what a foreign Host header says', {}, { host: 'evil.example' }, undefined],
    [
      'is the external URL, whatever the Host header says',
      external,
      { host: 'evil.example' },
      `https://swr.example.org${path}`,
    ],
    ['is the external URL that was asked', external, { host: 'other.example.org' }, `https://other.example.org${path}`],
    [
      'is the external URL, whatever a listed proxy says',
      { ...external, STOWER_TRUSTED_PROXIES: '127.0.0.1' },
      evil,
      `https://swr.example.org${path}`,
    ],
    [
      'is the external URL that a listed proxy names',
      { ...external, STOWER_TRUSTED_PROXIES: '127.0.0.1' },
      { 'x-forwarded-host': 'other.example.org' },
      `https://other.example.org${path}`,
    ],
  ] as const)('%s', async (_what, settings, headers, expected) => {
    const realm = await realmFor(settings, headers)
    if (expected === undefined) expect(realm).not.toContain('evil')
    else expect(realm).toBe(expected)
  })
})
