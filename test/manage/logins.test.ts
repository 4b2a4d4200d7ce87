import { afterAll, beforeAll, expect, test } from 'bun:test'
import { dockerLoginView } from '../../src/protocol/manage/logins.ts'
import { addPerson, disablePerson } from '../people.ts'
import {
  administerBeside,
  createOrganization,
  credentials,
  describeServers,
  managementToken,
  startTestServer,
  type TestServer,
} from '../server.ts'
import { sign } from '../signing/sign.ts'

const externalUrl = 'https://swr.example.org:8443'

describeServers('docker logins that are handed out', engine => {
  let server: TestServer
  let token: string
  let passedMs = 0
  const clock = { nowMs: () => Date.now() + passedMs }
  beforeAll(async () => {
    server = await startTestServer(engine, { STOWER_EXTERNAL_URL: externalUrl }, { clock })
    token = await managementToken(server)
    await createOrganization(server, 'group')
  })
  afterAll(() => server.stop())

  /** As clients send it: without a body. */
  const ask = async (path: string, headers: Record<string, string> = { 'x-auth-token': token }) => {
    const response = await fetch(`${server.url}/v2/manage/utils/${path}`, { method: 'POST', headers })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }
  /** The login in the line, read as the plugins read it that know it. */
  const loginIn = (headers: Headers) => {
    const line = headers.get('x-swr-dockerlogin') ?? ''
    const [, user = '', password = '', host = ''] = /^docker login -u (\S+) -p (\S+) (\S+)$/.exec(line) ?? []
    return { line, user, password, host, basic: `Basic ${btoa(`${user}:${password}`)}` }
  }
  /** Status of the token endpoint and of the registry itself, both asked with the login. */
  const statusesOf = async (authorization: string) => {
    const asked = ['/swr/auth/v2/registry/auth/?service=dockyard', '/v2/', '/v2/_catalog'].map(async path => {
      const response = await fetch(`${server.url}${path}`, { headers: { authorization } })
      await response.text()
      return response.status
    })
    return Promise.all(asked)
  }

  const kinds = [
    ['secret', /^eu-de@[A-Z][A-Z0-9]{19}$/],
    ['authorizationtoken', /^bearertoken@[A-Z][A-Z0-9]{19}$/],
  ] as const

  test.each(kinds)(
    'POST utils/%s answers one line that logs in, its end, and the same for docker’s file',
    async (path, form) => {
      const { status, headers, body } = await ask(path)
      expect(status).toBe(200)
      expect(headers.get('content-type')).toBe('application/json')
      expect(headers.get('cache-control')).toBe('no-store')
      const { line, user, password, host } = loginIn(headers)
      expect(line).toBe(`docker login -u ${user} -p ${password} swr.example.org:8443`)
      expect(user).toMatch(form)
      expect(password).toMatch(/^[0-9a-f]{64}$/)
      expect(dockerLoginView.strict().parse(body)).toEqual({ auths: { [host]: { auth: btoa(`${user}:${password}`) } } })
      const expiry = headers.get('x-swr-expireat') ?? ''
      expect(expiry).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
      expect(Date.parse(expiry) - clock.nowMs()).toBeWithin(24 * 3_600_000 - 10_000, 24 * 3_600_000 + 1)
      expect(await statusesOf(loginIn(headers).basic)).toEqual([200, 200, 200])
    },
  )

  test.each(kinds)('what POST utils/%s answers ends when it says, also where it was just used', async path => {
    const { headers } = await ask(path)
    const { basic } = loginIn(headers)
    passedMs += 24 * 3_600_000 - 60_000
    expect(await statusesOf(basic)).toEqual([200, 200, 200])
    passedMs += 60_000
    expect(await statusesOf(basic)).toEqual([401, 401, 401])
    token = await managementToken(server)
  })

  test.each(kinds)('what POST utils/%s answers is revoked by its id, with tokens that were had by it', async path => {
    const { headers } = await ask(path)
    const { user, basic } = loginIn(headers)
    const asked = await fetch(`${server.url}/swr/auth/v2/registry/auth/?service=dockyard&scope=registry:catalog:*`, {
      headers: { authorization: basic },
    })
    const bearer = `Bearer ${((await asked.json()) as { token: string }).token}`
    const catalog = async () =>
      (await fetch(`${server.url}/v2/_catalog`, { headers: { authorization: bearer } })).status
    expect(await catalog()).toBe(200)
    const id = user.split('@')[1] ?? ''
    expect((await administerBeside(server, each => each.listLogins({}))).map(login => login.id)).toContain(id)
    await administerBeside(server, each => each.revokeLogin({ id }))
    expect(await statusesOf(basic)).toEqual([401, 401, 401])
    expect(await catalog()).toBe(401)
  })

  test.each(kinds)('POST utils/%s is for who proves himself, and each gets a login of his own', async path => {
    expect((await ask(path, {})).status).toBe(401)
    const person = await addPerson(server, `asking for ${path}`)
    const theirs = await managementToken(server, {
      account: person.account,
      user: person.name,
      password: person.password,
    })
    const { headers } = await ask(path, { 'x-auth-token': theirs })
    const asked = await fetch(`${server.url}/v2/_catalog`, { headers: { authorization: loginIn(headers).basic } })
    expect(await asked.json()).toEqual({ repositories: [] })
    await disablePerson(server, person)
    expect(await statusesOf(loginIn(headers).basic)).toEqual([401, 401, 401])
  })

  test.each(kinds)('what POST utils/%s answers to a signature is void with its access key', async path => {
    const key = await administerBeside(server, each => each.createAccessKey({ user: credentials.user }))
    const unsigned = { method: 'POST', path: `/v2/manage/utils/${path}` }
    const signing = { accessKey: key.id, secretKey: key.secret }
    const { status, headers } = await ask(path, sign(signing, unsigned, { host: server.host, at: clock.nowMs() }))
    expect(status).toBe(200)
    const { basic } = loginIn(headers)
    expect(await statusesOf(basic)).toEqual([200, 200, 200])
    await administerBeside(server, each => each.setAccessKeyEnabled({ id: key.id, isEnabled: false }))
    expect(await statusesOf(basic)).toEqual([401, 401, 401])
  })

  test('a login opens no management call', async () => {
    for (const [path] of kinds) {
      const { headers } = await ask(path)
      const { basic, password } = loginIn(headers)
      for (const proof of [
        { authorization: basic },
        { 'x-auth-token': password },
        { authorization: `Bearer ${password}` },
      ]) {
        const response = await fetch(`${server.url}/v2/manage/namespaces`, { headers: proof as Record<string, string> })
        expect(response.status).toBe(401)
      }
    }
  })

  test.each([900, 901, 3_600, 86_400])('duration_seconds=%p is how long it lasts', async seconds => {
    const { headers } = await ask(`secret?duration_seconds=${seconds}`)
    const lasts = Date.parse(headers.get('x-swr-expireat') ?? '') - clock.nowMs()
    expect(lasts).toBeWithin(seconds * 1000 - 10_000, seconds * 1000 + 1)
  })

  test.each(['899', '86401', '0', '-1', '1e4', '900.5', 'x', '9'.repeat(400)])(
    'duration_seconds=%s is 400',
    async text => {
      const { status, body } = await ask(`secret?duration_seconds=${text}`)
      expect([status, body.error_code]).toEqual([400, 'SVCSTG.SWR.4000014'])
      expect(body.errors[0].detail).toBe('duration_seconds is a whole number from 900 to 86400')
    },
  )

  test('the project is the one that is named, and has to be one’s own', async () => {
    for (const query of ['?projectname=eu-de', '?projectname=', '']) {
      expect(loginIn((await ask(`secret${query}`)).headers).user).toStartWith('eu-de@')
    }
    for (const name of ['eu-nl', 'eu-de%20-p%20x', '$(id)']) {
      const { status, body } = await ask(`secret?projectname=${name}`)
      expect([status, body.error_code]).toEqual([400, 'SVCSTG.SWR.4000014'])
    }
  })

  test('logins go on while the registry is read-only', async () => {
    await administerBeside(server, each => each.beginMaintenance('moving'))
    try {
      for (const [path] of kinds) expect((await ask(path)).status).toBe(200)
    } finally {
      await administerBeside(server, each => each.endMaintenance())
    }
  })
})

test('how long logins last is configured, and nobody asks for more', async () => {
  const server = await startTestServer('sqlite', { STOWER_TOKENS_LOGIN_LIFE: '1h' })
  try {
    const headers = { 'x-auth-token': await managementToken(server) }
    const ask = (query: string) => fetch(`${server.url}/v2/manage/utils/${query}`, { method: 'POST', headers })
    for (const path of ['secret', 'authorizationtoken', 'secret?duration_seconds=3600']) {
      const answer = await ask(path)
      const lasts = Date.parse(answer.headers.get('x-swr-expireat') ?? '') - Date.now()
      expect(lasts).toBeWithin(3_590_000, 3_600_001)
      // Without an external URL docker is sent where the request came.
      expect(answer.headers.get('x-swr-dockerlogin')).toEndWith(` ${server.host}`)
    }
    expect((await ask('secret?duration_seconds=3601')).status).toBe(400)
  } finally {
    await server.stop()
  }
})
