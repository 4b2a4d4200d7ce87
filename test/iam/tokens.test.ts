import { afterAll, beforeAll, expect, test } from 'bun:test'
import { disableUser, enableUser, setPassword } from '../../src/core/accounts/users.ts'
import { describeEngines } from '../databases.ts'
import {
  addAccount,
  addUser,
  ask,
  baseUrl,
  openTestInstallation,
  received,
  requester,
  secrets,
  type TestInstallation,
} from './installation.ts'

const hourMs = 3_600_000

const byName = (name: string, password: string, account = 'OTC000') => ({
  methods: ['password'],
  password: { user: { domain: { name: account }, name, password } },
})

describeEngines('identity API', (_engine, open) => {
  let installation: TestInstallation
  beforeAll(async () => {
    installation = await openTestInstallation(open)
    await addAccount(installation, 'OTC111', 'other-password-0815')
  })
  afterAll(() => installation.opened.dispose())

  const post = (body: unknown, init: RequestInit = {}, path = '/v3/auth/tokens') =>
    ask(installation.iam, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...init,
    })
  const get = (path: string, headers: Record<string, string>, method = 'GET') =>
    ask(installation.iam, path, { method, headers })
  const logIn = async (user = 'user1', password = secrets.password): Promise<string> => {
    const answer = await post({ auth: { identity: byName(user, password) } })
    expect(answer.status).toBe(201)
    return answer.headers.get('x-subject-token') ?? ''
  }
  const statusOf = async (token: string) => (await get('/v3/auth/catalog', { 'x-auth-token': token })).status

  test.each(['/v3', '/v3/', '/iam/v3'])('GET %s is the version document that keystoneauth discovers', async path => {
    const answer = await get(path, {})
    expect(answer.status).toBe(200)
    expect(answer.body.version).toMatchObject({ id: 'v3.14', status: 'stable' })
    expect(answer.body.version.links).toEqual([{ rel: 'self', href: `${baseUrl}/v3/` }])
  })

  test('a password gives a project token with ids, times, role and catalog as gophertelekomcloud reads them', async () => {
    const scope = { project: { domain: { name: 'OTC000' }, name: 'eu-de' } }
    const answer = await post({ auth: { identity: byName('user1', secrets.password), scope } })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('x-subject-token')).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const { token } = answer.body
    const domain = { id: installation.administrator.accountId, name: 'OTC000' }
    expect(token.user).toMatchObject({ id: installation.administrator.id, name: 'user1', domain })
    expect(token.project).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{32}$/), name: 'eu-de', domain })
    expect(token.domain).toBeUndefined()
    expect(token.roles).toEqual([{ id: '0', name: 'te_admin' }])
    expect(token.expires_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    expect(Date.parse(token.expires_at) - Date.parse(token.issued_at)).toBe(24 * hourMs)
    const urls = token.catalog.map((service: { type: string; endpoints: { url: string; region: string }[] }) => [
      service.type,
      service.endpoints[0]?.url,
      service.endpoints[0]?.region,
    ])
    expect(urls).toEqual([
      ['smn', `${baseUrl}/smn/v2`, 'eu-de'],
      ['swrv2', `${baseUrl}/v2`, 'eu-de'],
      ['identity', `${baseUrl}/v3`, '*'],
    ])
    expect(answer.log).toMatchObject({ route: 'iam.token.create', caller: 'OTC000/user1' })
  })

  test('users and scopes are taken by id and by name', async () => {
    const { id, accountId } = installation.administrator
    const shown = await post({
      auth: { identity: byName('user1', secrets.password), scope: { project: { name: 'eu-de' } } },
    })
    const projectId: string = shown.body.token.project.id
    const byId = { methods: ['password'], password: { user: { id, password: secrets.password } } }
    const byDomainId = {
      methods: ['password'],
      password: { user: { name: 'user1', domain: { id: accountId }, password: secrets.password } },
    }
    for (const identity of [byId, byDomainId]) {
      const ofProject = await post({ auth: { identity, scope: { project: { id: projectId } } } })
      expect(ofProject.body.token.project.name).toBe('eu-de')
      const ofDomain = await post({ auth: { identity, scope: { domain: { id: accountId } } } })
      expect(ofDomain.body.token).toMatchObject({ domain: { id: accountId, name: 'OTC000' } })
      expect(ofDomain.body.token.project).toBeUndefined()
      for (const scope of [undefined, null, 'unscoped', { unscoped: {} }]) {
        const unscoped = await post({ auth: { identity, scope } })
        expect(unscoped.status).toBe(201)
        expect([unscoped.body.token.project, unscoped.body.token.domain]).toEqual([undefined, undefined])
      }
    }
  })

  test('?nocatalog leaves the catalog out', async () => {
    const answer = await post(
      { auth: { identity: byName('user1', secrets.password) } },
      {},
      '/v3/auth/tokens?nocatalog',
    )
    expect(answer.status).toBe(201)
    expect(answer.body.token.catalog).toBeUndefined()
  })

  test('a wrong password, an unknown user, an unknown account and a disabled user are one 401', async () => {
    const disabled = await addUser(installation, 'disabled', 'right-password-1')
    await disableUser(installation, requester, disabled)
    const answers = [
      await post({ auth: { identity: byName('user1', 'wrong') } }),
      await post({ auth: { identity: byName('user1', '') } }),
      await post({ auth: { identity: byName('nobody', secrets.password) } }),
      await post({ auth: { identity: byName('user1', secrets.password, 'NOBODY') } }),
      await post({ auth: { identity: byName('user1', secrets.password, 'OTC111') } }),
      await post({ auth: { identity: byName('USER1', secrets.password) } }),
      await post({ auth: { identity: byName('disabled', 'right-password-1') } }),
      await post({
        auth: { identity: { methods: ['password'], password: { user: { id: 'f'.repeat(32), password: 'x' } } } },
      }),
    ]
    expect(answers.map(answer => [answer.status, answer.text])).toEqual(
      answers.map(() => [401, answers[0]?.text ?? '']),
    )
    expect(answers[0]?.body.error).toMatchObject({ code: 401, title: 'Unauthorized' })
    expect(answers[0]?.headers.get('x-subject-token')).toBeNull()
    expect(answers[0]?.text).not.toMatch(/canary/)
  })

  test.each([
    { project: { name: 'eu-nl' } },
    { project: { id: 'f'.repeat(32) } },
    { project: { name: 'eu-de', domain: { name: 'OTC111' } } },
    { domain: { name: 'OTC111' } },
    { domain: { id: 'f'.repeat(32) } },
  ])('a scope that is not the user’s is 401: %j', async scope => {
    expect((await post({ auth: { identity: byName('user1', secrets.password), scope } })).status).toBe(401)
  })

  test('a project of another account is no scope, even by its id', async () => {
    const other = await post({
      auth: { identity: byName('user1', 'other-password-0815', 'OTC111'), scope: { project: { name: 'eu-de' } } },
    })
    const scope = { project: { id: other.body.token.project.id } }
    expect((await post({ auth: { identity: byName('user1', secrets.password), scope } })).status).toBe(401)
  })

  test.each([
    ['no JSON', '{"auth": canary-password-4711'],
    ['nothing', ''],
    ['an array', []],
    ['null', 'null'],
    ['no identity', { auth: {} }],
    ['an unknown method', { auth: { identity: { methods: ['totp'], totp: {} } } }],
    [
      'a second factor that cannot be checked',
      { auth: { identity: { ...byName('user1', secrets.password), methods: ['password', 'totp'] } } },
    ],
    [
      'a user without a domain',
      {
        auth: {
          identity: { methods: ['password'], password: { user: { name: 'user1', password: secrets.password } } },
        },
      },
    ],
    ['a name with NUL', { auth: { identity: byName('a\0b', secrets.password) } }],
    ['an account with NUL', { auth: { identity: byName('a', secrets.password, 'a\0') } }],
    [
      'a number for a name',
      { auth: { identity: { methods: ['password'], password: { user: { id: 7, password: secrets.password } } } } },
    ],
    ['an unknown scope', { auth: { identity: byName('user1', secrets.password), scope: { system: { all: true } } } }],
    ['deep nesting', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
  ])('%s is 400, and what came is not repeated', async (_what, body) => {
    const answer = await post(body)
    expect(answer.status).toBe(400)
    expect(answer.body.error).toMatchObject({ code: 400, title: 'Bad Request' })
    expect(answer.text).not.toMatch(/canary/)
    expect(answer.log.error).toBeUndefined()
  })

  test('a body of 64 KiB is read, one over it is 413 and the connection is closed', async () => {
    const login = JSON.stringify({ auth: { identity: byName('user1', secrets.password) } })
    expect((await post(login.padEnd(64 * 1024))).status).toBe(201)
    const answer = await post(login.padEnd(64 * 1024 + 1))
    expect(answer.status).toBe(413)
    expect(answer.headers.get('connection')).toBe('close')
  })

  test('a token gives another one that lives no longer', async () => {
    const first = await post({ auth: { identity: byName('user1', secrets.password) } })
    installation.clock.passMs(hourMs)
    const identity = { methods: ['token'], token: { id: first.headers.get('x-subject-token') } }
    const second = await post({ auth: { identity, scope: { project: { name: 'eu-de' } } } })
    expect(second.status).toBe(201)
    expect(second.body.token.expires_at).toBe(first.body.token.expires_at)
    expect(second.body.token.project.name).toBe('eu-de')
    const wrong = await post({ auth: { identity: { methods: ['token'], token: { id: 'wrong' } } } })
    expect(wrong.status).toBe(401)
  })

  test('GET shows one’s own token, HEAD only its status', async () => {
    const token = await logIn()
    const headers = { 'x-auth-token': token, 'x-subject-token': token }
    const shown = await get('/v3/auth/tokens', headers)
    expect(shown.status).toBe(200)
    expect(shown.headers.get('x-subject-token')).toBe(token)
    expect(shown.body.token.user.name).toBe('user1')
    expect(shown.body.token.catalog).toHaveLength(3)
    expect(await get('/v3/auth/tokens', headers, 'HEAD')).toMatchObject({ status: 200, text: '' })
    expect((await get('/v3/auth/tokens', { 'x-auth-token': token, 'x-subject-token': 'unknown' })).status).toBe(404)
    expect((await get('/v3/auth/tokens', { 'x-auth-token': token })).status).toBe(400)
    expect((await get('/v3/auth/tokens', { 'x-subject-token': token })).status).toBe(401)
  })

  test('the token of another user is neither shown nor revoked', async () => {
    await addUser(installation, 'curious', 'curious-password')
    const [own, foreign] = [await logIn('curious', 'curious-password'), await logIn()]
    const headers = { 'x-auth-token': own, 'x-subject-token': foreign }
    expect((await get('/v3/auth/tokens', headers)).status).toBe(404)
    expect((await get('/v3/auth/tokens', headers, 'DELETE')).status).toBe(404)
    expect(await statusOf(foreign)).toBe(200)
  })

  test('DELETE revokes a token at once, on every replica, and twice is 404', async () => {
    const [token, other] = [await logIn(), await logIn()]
    const replica = installation.openReplica()
    expect(await replica.ofManagement(received({ 'x-auth-token': token }))).toMatchObject({ kind: 'user' })
    const headers = { 'x-auth-token': other, 'x-subject-token': token }
    expect(await get('/v3/auth/tokens', headers, 'DELETE')).toMatchObject({ status: 204, text: '' })
    expect(await statusOf(token)).toBe(401)
    const used = replica.ofManagement(received({ 'x-auth-token': token }))
    expect(await used.catch(error => error)).toMatchObject({ code: 'credentials_invalid' })
    expect((await get('/v3/auth/tokens', headers, 'DELETE')).status).toBe(404)
    expect(await statusOf(other)).toBe(200)
  })

  test('a token dies after 24 hours, and the job removes its row', async () => {
    const token = await logIn()
    installation.clock.passMs(24 * hourMs - 1000)
    expect(await statusOf(token)).toBe(200)
    installation.clock.passMs(1000)
    expect(await statusOf(token)).toBe(401)
    const fresh = await logIn()
    const rows = async () =>
      (await installation.db.read.selectFrom('keystone_tokens').select('user_id').execute()).length
    const before = await rows()
    expect(await installation.identity.deleteExpired()).toBeGreaterThan(0)
    expect(await rows()).toBeLessThan(before)
    expect(await statusOf(fresh)).toBe(200)
  })

  test('one run of the job removes every token that has expired, however many, and stops when it is told to', async () => {
    const stored = installation.db.read.selectFrom('keystone_tokens')
    const living = await stored.select('token_hash').where('expires_ms', '>', installation.clock.nowMs()).execute()
    const { id: userId, epoch } = installation.administrator
    for (let from = 0; from < 2_500; from += 500) {
      const rows = Array.from({ length: 500 }, (_, number) => ({
        ...{ user_id: userId, user_epoch: epoch, scope: 'none', project_id: null, issued_ms: 0, expires_ms: 1 },
        token_hash: new Uint8Array(new Uint32Array([from + number]).buffer),
      }))
      await installation.db.write(tx => tx.insertInto('keystone_tokens').values(rows).execute())
    }
    expect(await installation.identity.deleteExpired(AbortSignal.abort())).toBe(0)
    expect(await installation.identity.deleteExpired()).toBeGreaterThanOrEqual(2_500)
    expect(await stored.select('token_hash').execute()).toEqual(living)
  })

  test('a changed password and disabling void tokens; enabling does not bring them back', async () => {
    const user = await addUser(installation, 'moving', 'first-password')
    const before = await logIn('moving', 'first-password')
    await setPassword(installation, requester, { user, password: 'second-password' })
    expect(await statusOf(before)).toBe(401)
    expect((await post({ auth: { identity: byName('moving', 'first-password') } })).status).toBe(401)
    const after = await logIn('moving', 'second-password')
    await disableUser(installation, requester, user)
    expect(await statusOf(after)).toBe(401)
    await enableUser(installation, requester, user)
    expect(await statusOf(after)).toBe(401)
    expect(await statusOf(await logIn('moving', 'second-password'))).toBe(200)
  })

  test('the store knows no token, only hashes', async () => {
    const token = await logIn()
    const rows = await installation.db.read.selectFrom('keystone_tokens').selectAll().execute()
    const text = rows.map(row => `${Buffer.from(row.token_hash).toString('latin1')}${JSON.stringify(row)}`).join()
    expect(text).not.toContain(token)
    expect(text).not.toContain(Buffer.from(token, 'base64url').toString('latin1'))
  })

  test.each([
    '/v3/auth/catalog',
    '/v3/projects',
    '/v3/auth/projects',
    '/v3/auth/domains',
    '/v3/users',
    '/v3.0/OS-USER/users/x',
  ])('%s without a token, with a wrong one, and with a docker token is 401', async path => {
    const { token } = await installation.identity.docker.issue({ kind: 'anonymous' }, [])
    for (const headers of [{}, { 'x-auth-token': 'wrong' }, { 'x-auth-token': '' }, { 'x-auth-token': token }]) {
      const answer = await get(path, headers)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe(`Keystone uri="${baseUrl}/v3"`)
    }
  })

  test('projects, domains and users are those of the own account', async () => {
    const headers = { 'x-auth-token': await logIn() }
    const { accountId } = installation.administrator
    for (const path of ['/v3/projects', '/v3/auth/projects', '/v3/projects?name=eu-de', '/v3/projects/']) {
      const { body } = await get(path, headers)
      expect(body.projects).toHaveLength(1)
      expect(body.projects[0]).toMatchObject({ name: 'eu-de', domain_id: accountId, enabled: true, is_domain: false })
      expect(body.links.self).toBe(`${baseUrl}${path}`)
    }
    expect((await get('/v3/projects?name=eu-nl', headers)).body.projects).toEqual([])
    expect((await get('/v3/auth/domains', headers)).body.domains).toEqual([
      { id: accountId, name: 'OTC000', enabled: true },
    ])
    expect((await get('/v3/auth/domains?name=OTC111', headers)).body.domains).toEqual([])
    const user = await addUser(installation, 'listed', 'listed-password')
    const links = { self: `${baseUrl}/v3/users/${user.id}` }
    const shown = { id: user.id, name: 'listed', domain_id: accountId, enabled: true, links }
    expect((await get('/v3/users?name=listed', headers)).body.users).toEqual([shown])
    expect((await get('/v3/users?name=list_d', headers)).body.users).toEqual([])
    expect((await get(`/v3.0/OS-USER/users/${user.id}`, headers)).body).toEqual({ user: shown })
    const { text } = await get('/v3/users', headers)
    expect(text).not.toMatch(/argon2|password|epoch/)
    expect(text).toContain('listed')
  })

  test('users of another account are absent, like those that never were', async () => {
    const headers = { 'x-auth-token': await logIn() }
    const answer = await post({ auth: { identity: byName('user1', 'other-password-0815', 'OTC111') } })
    const foreign: string = answer.body.token.user.id
    const [seen, never] = [
      await get(`/v3.0/OS-USER/users/${foreign}`, headers),
      await get(`/v3.0/OS-USER/users/${'f'.repeat(32)}`, headers),
    ]
    expect([seen.status, never.status]).toEqual([404, 404])
    expect(seen.text.replace(foreign, '')).toBe(never.text.replace('f'.repeat(32), ''))
    expect((await get(`/v3/users?domain_id=${answer.body.token.user.domain.id}`, headers)).body.users).toEqual([])
  })

  test('users are listed in pages', async () => {
    const headers = { 'x-auth-token': await logIn() }
    const names: string[] = []
    let next: string | null = '/v3/users?limit=2'
    while (next !== null) {
      const { body } = await get(next.replace(baseUrl, ''), headers)
      expect(body.users.length).toBeLessThanOrEqual(2)
      names.push(...body.users.map((user: { name: string }) => user.name))
      next = body.links.next
    }
    expect(names).toContain('user1')
    expect(names).toEqual([...new Set(names)].sort())
    for (const limit of ['0', '-1', 'x', '1e3', '99999999999999999999']) {
      expect((await get(`/v3/users?limit=${limit}`, headers)).status).toBe(400)
    }
  })

  test.each(['/v3/users?name=%00', '/v3/users?marker=%00', '/v3/projects?name=a%00', '/v3.0/OS-USER/users/%00'])(
    '%s is 400 on both engines',
    async path => {
      expect((await get(path, { 'x-auth-token': await logIn() })).status).toBe(400)
    },
  )

  test.each([
    ['GET', '/v3/nothing'],
    ['GET', '/v3.0'],
    ['PUT', '/v3/auth/tokens'],
    ['POST', '/v3'],
    ['GET', '/v3/auth/tokens/x'],
  ])('%s %s is 404 in Keystone’s words', async (method, path) => {
    const answer = await get(path, {}, method)
    expect(answer.status).toBe(404)
    expect(answer.body.error).toMatchObject({ code: 404, title: 'Not Found' })
  })
})
