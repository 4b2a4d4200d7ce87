import { afterAll, beforeAll, expect, test } from 'bun:test'
import { decodeJwt } from 'jose'
import { createAccessKey, disableAccessKey, enableAccessKey } from '../../src/core/accounts/access-keys.ts'
import type { User } from '../../src/core/accounts/queries.ts'
import { disableUser, setPassword } from '../../src/core/accounts/users.ts'
import { deriveLoginKey } from '../../src/protocol/auth/login-key.ts'
import { describeEngines } from '../databases.ts'
import {
  addAccount,
  addUser,
  ask,
  basic,
  openTestInstallation,
  received,
  requester,
  secrets,
  type TestInstallation,
} from '../iam/installation.ts'
import { addOrganization, grantOrganization, grantRepository } from './organizations.ts'

const endpoint = '/swr/auth/v2/registry/auth'

describeEngines('docker token endpoint', (_engine, open) => {
  let installation: TestInstallation
  let reader: User
  let writer: User
  beforeAll(async () => {
    installation = await openTestInstallation(open)
    const foreign = await addAccount(installation, 'OTC111', 'other-password-0815')
    reader = await addUser(installation, 'reader', 'reader-password')
    writer = await addUser(installation, 'writer', 'writer-password')
    const guest = await addUser(installation, 'guest', 'guest-password')
    const own = await addOrganization(installation, installation.administrator, 'team')
    await addOrganization(installation, foreign, 'foreign')
    await grantOrganization(installation, own.id, reader, 1)
    await grantOrganization(installation, own.id, writer, 3)
    await grantRepository(installation, own.privateId, guest, 7)
  })
  afterAll(() => installation.opened.dispose())

  const get = (query: string, authorization?: string, path = endpoint) =>
    ask(installation.token, `${path}?${query}`, authorization === undefined ? {} : { headers: { authorization } })
  const accessOf = (answer: { body: { token: string } }) => decodeJwt(answer.body.token).access
  const administrator = basic('user1', secrets.password)
  const loginKey = deriveLoginKey('AKTESTTESTTESTTEST01', secrets.secretKey)

  test.each([endpoint, `${endpoint}/`])(
    'GET %s answers what every client reads, and nothing may keep it',
    async path => {
      const answer = await get('service=dockyard&scope=repository:team/private:pull&account=user1', administrator, path)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toStartWith('application/json')
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.body.token).toBe(answer.body.access_token)
      expect(answer.body.expires_in).toBe(900)
      expect(answer.body.issued_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
      expect(answer.body.refresh_token).toBeUndefined()
      expect(answer.log).toEqual({ route: 'token', caller: 'OTC000/user1' })
    },
  )

  test('the token holds the claims of the specification and no secret', async () => {
    const { body } = await get('service=dockyard&scope=repository:team/private:pull', administrator)
    const claims = decodeJwt(body.token)
    expect(claims).toMatchObject({
      iss: 'stower',
      aud: 'dockyard',
      sub: installation.administrator.id,
      jti: expect.any(String),
      access: [{ type: 'repository', name: 'team/private', actions: ['pull'] }],
    })
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(900)
    expect(claims.nbf).toBe(claims.iat)
    expect(JSON.stringify(claims)).not.toMatch(/canary|argon2/)
  })

  test.each([
    ['a login without a scope', 'service=dockyard', administrator, []],
    ['no service', 'scope=repository:team/private:pull', administrator, ['team/private:pull']],
    [
      'the administrator, everything',
      'scope=repository:team/private:pull,push,delete',
      administrator,
      ['team/private:pull,push,delete'],
    ],
    ['the administrator, *', 'scope=repository:team/private:*', administrator, ['team/private:pull,push,delete,*']],
    ['an unknown action', 'scope=repository:team/private:pull,sing', administrator, ['team/private:pull']],
    ['no action', 'scope=repository:team/private:', administrator, []],
    [
      'a reader asks too much',
      'scope=repository:team/private:pull,push,delete',
      basic('reader', 'reader-password'),
      ['team/private:pull'],
    ],
    ['a reader, *', 'scope=repository:team/private:*', basic('reader', 'reader-password'), ['team/private:pull']],
    [
      'a writer',
      'scope=repository:team/private:pull,push,delete',
      basic('writer', 'writer-password'),
      ['team/private:pull,push'],
    ],
    [
      'a writer, a new repository',
      'scope=repository:team/new/app:pull,push,delete',
      basic('writer', 'writer-password'),
      ['team/new/app:pull,push'],
    ],
    ['a reader, a new repository', 'scope=repository:team/new/app:pull,push', basic('reader', 'reader-password'), []],
    [
      'a repository’s manager',
      'scope=repository:team/private:*',
      basic('guest', 'guest-password'),
      ['team/private:pull,push,delete,*'],
    ],
    [
      'a repository’s manager, a new repository',
      'scope=repository:team/new/app:pull,push',
      basic('guest', 'guest-password'),
      [],
    ],
    ['an organization that is not there', 'scope=repository:nowhere/app:pull,push', administrator, []],
    ['a private repository of another account', 'scope=repository:foreign/private:pull,push', administrator, []],
    [
      'a public repository of another account',
      'scope=repository:foreign/public/app:pull,push,delete',
      administrator,
      ['foreign/public/app:pull'],
    ],
    ['a new repository of another account', 'scope=repository:foreign/new:pull,push', administrator, []],
    ['a name without organization', 'scope=repository:busybox:pull,push', administrator, []],
    ['a name that cannot be', 'scope=repository:Team/UP:pull', administrator, []],
    [
      'a mount: two scopes',
      'scope=repository:team/new:pull,push&scope=repository:foreign/public/app:pull',
      administrator,
      ['team/new:pull,push', 'foreign/public/app:pull'],
    ],
    [
      'two scopes in one parameter',
      'scope=repository:team/new:pull,push%20repository:team/private:pull',
      administrator,
      ['team/new:pull,push', 'team/private:pull'],
    ],
    ['the catalog', 'scope=registry:catalog:*', basic('guest', 'guest-password'), ['catalog:*']],
    ['something else of the registry', 'scope=registry:users:*', administrator, []],
    ['an unknown type', 'scope=plugin:team/private:pull', administrator, []],
    ['anonymous, public', 'scope=repository:team/public/app:pull,push', undefined, ['team/public/app:pull']],
    ['anonymous, private', 'scope=repository:team/private:pull', undefined, []],
    ['anonymous, absent', 'scope=repository:team/absent:pull', undefined, []],
    ['anonymous, the catalog', 'scope=registry:catalog:*', undefined, []],
    ['anonymous without a scope', 'service=dockyard', undefined, []],
    ['nonsense', 'scope=%00%ff&scope=:::&scope=', undefined, []],
  ])('%s gives the granted subset', async (_what, query, authorization, expected) => {
    const answer = await get(query, authorization)
    expect(answer.status).toBe(200)
    const access = accessOf(answer) as { name: string; actions: string[] }[]
    expect(access.map(({ name, actions }) => `${name}:${actions.join(',')}`)).toEqual(expected)
  })

  test('a private repository that the caller does not see and an absent one give answers of the same shape', async () => {
    const strip = (claims: ReturnType<typeof decodeJwt>) => ({ ...claims, exp: 0, iat: 0, nbf: 0, jti: '' })
    const [unseen, absent] = [
      await get('scope=repository:foreign/private:pull', administrator),
      await get('scope=repository:foreign/absent:pull', administrator),
    ]
    expect([unseen.status, absent.status]).toEqual([200, 200])
    expect(strip(decodeJwt(unseen.body.token))).toEqual(strip(decodeJwt(absent.body.token)))
  })

  test.each([
    ['a user of the first account', basic('user1', secrets.password), 'OTC000/user1'],
    ['a user with the account', basic('OTC000/user1', secrets.password), 'OTC000/user1'],
    ['a user of another account', basic('OTC111/user1', 'other-password-0815'), 'OTC111/user1'],
    ['an access key with its login key', basic('eu-de@AKTESTTESTTESTTEST01', loginKey), 'OTC000/user1'],
  ])('%s logs in', async (_what, authorization, caller) => {
    const answer = await get('service=dockyard', authorization)
    expect(answer.status).toBe(200)
    expect(answer.log.caller).toBe(caller)
  })

  test.each([
    ['a wrong password', basic('user1', 'wrong')],
    ['no password', basic('user1', '')],
    ['an unknown user', basic('nobody', secrets.password)],
    ['an unknown account', basic('NOBODY/user1', secrets.password)],
    ['the password of the other account’s user of that name', basic('OTC111/user1', secrets.password)],
    ['a user of another account without it', basic('user1', 'other-password-0815')],
    ['an empty name', basic('', secrets.password)],
    ['an empty account', basic('/user1', secrets.password)],
    ['the SK itself', basic('eu-de@AKTESTTESTTESTTEST01', secrets.secretKey)],
    ['the login key in capitals', basic('eu-de@AKTESTTESTTESTTEST01', loginKey.toUpperCase())],
    ['a project that is not there', basic('eu-nl@AKTESTTESTTESTTEST01', loginKey)],
    ['an empty project', basic('@AKTESTTESTTESTTEST01', loginKey)],
    ['an unknown AK', basic('eu-de@AKNOBODY', loginKey)],
    ['an AK as a user', basic('AKTESTTESTTESTTEST01', loginKey)],
    ['the user’s password with the AK', basic('eu-de@AKTESTTESTTESTTEST01', secrets.password)],
    ['a header that cannot be read', 'Basic ***'],
    ['an unknown scheme', 'Negotiate abc'],
    ['an empty header', ''],
  ])('%s is 401 with a challenge, never an anonymous token', async (_what, authorization) => {
    const answer = await get('scope=repository:team/public/app:pull', authorization)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Basic realm="dockyard"')
    expect(answer.body.errors[0].code).toBe('UNAUTHORIZED')
    expect(answer.body.errors[0].message).toStartWith('Authenticate Error')
    expect(answer.text).not.toMatch(/canary/)
    expect(answer.log.error).toBeUndefined()
  })

  test('a token does not renew itself', async () => {
    const { body } = await get('scope=repository:team/private:pull', administrator)
    expect((await get('scope=repository:team/private:pull', `Bearer ${body.token}`)).status).toBe(401)
  })

  test.each(['service=registry.example.org', 'service=', 'service=dockyard&service=other'])(
    '%s is 400',
    async query => {
      const answer = await get(query, administrator)
      expect(answer.status).toBe(400)
      expect(answer.body.errors).toHaveLength(1)
    },
  )

  test.each(['POST', 'PUT', 'DELETE', 'HEAD'])('%s is 404, so that clients come back with GET', async method => {
    const answer = await ask(installation.token, endpoint, { method })
    expect(answer.status).toBe(404)
  })

  test('the OAuth2 form is 404 and its body is left unread', async () => {
    const answer = await ask(installation.token, endpoint, {
      method: 'POST',
      body: 'grant_type=password&username=user1',
    })
    expect(answer.status).toBe(404)
    expect(answer.headers.get('connection')).toBe('close')
  })

  test('a request with thousands of scopes is answered with a bounded token', async () => {
    const query = Array.from({ length: 3000 }, (_, number) => `scope=repository:team/app-${number}:pull`).join('&')
    const answer = await get(query, administrator)
    expect(answer.status).toBe(200)
    expect((accessOf(answer) as unknown[]).length).toBeLessThanOrEqual(64)
  })

  test('the caller of a token has its scopes, and seen again it is the same object at once', async () => {
    const { body } = await get('scope=repository:team/private:pull', basic('eu-de@AKTESTTESTTESTTEST01', loginKey))
    const header = `Bearer ${body.token}`
    const caller = await installation.identity.ofDocker(header, '127.0.0.1')
    expect(caller).toMatchObject({
      kind: 'user',
      userId: installation.administrator.id,
      userName: 'user1',
      accountName: 'OTC000',
      accessKey: { id: 'AKTESTTESTTESTTEST01', epoch: 1 },
      projectId: expect.any(String),
      scopes: [{ type: 'repository', name: 'team/private', actions: ['pull'] }],
    })
    expect(installation.identity.ofDocker(header, '127.0.0.1')).toBe(caller)
    const repeats = 20_000
    const before = process.cpuUsage()
    for (let number = 0; number < repeats; number++) installation.identity.ofDocker(header, '127.0.0.1')
    // 2 µs each is the aim; ten times that still fails when a signature is checked again.
    expect(process.cpuUsage(before).user / 1000 / repeats).toBeLessThan(0.02)
  })

  test('an anonymous token is an anonymous caller with scopes; no header is one without', async () => {
    const { body } = await get('scope=repository:team/public/app:pull')
    const scopes = [{ type: 'repository', name: 'team/public/app', actions: ['pull'] }]
    expect(await installation.identity.ofDocker(`Bearer ${body.token}`, '127.0.0.1')).toEqual({
      kind: 'anonymous',
      scopes,
    })
    expect(await installation.identity.ofDocker(null, '127.0.0.1')).toEqual({ kind: 'anonymous' })
  })

  test('Basic on the registry itself is a caller without the limits of a token', async () => {
    const caller = await installation.identity.ofDocker(administrator, '127.0.0.1')
    expect(caller).toMatchObject({ kind: 'user', userName: 'user1' })
    expect(caller.scopes).toBeUndefined()
  })

  const standingOf = async (token: string) => {
    const caller = await installation.identity.ofDocker(`Bearer ${token}`, '127.0.0.1')
    return (await installation.access.facts(caller)).standing.kind
  }

  test('a changed password voids the user’s tokens and remembered logins', async () => {
    const user = await addUser(installation, 'changing', 'first-password')
    const { body } = await get('service=dockyard', basic('changing', 'first-password'))
    expect(await standingOf(body.token)).toBe('current')
    await setPassword(installation, requester, { user, password: 'second-password' })
    expect(await standingOf(body.token)).toBe('void')
    expect((await get('service=dockyard', basic('changing', 'first-password'))).status).toBe(401)
    expect((await get('service=dockyard', basic('changing', 'second-password'))).status).toBe(200)
  })

  test('disabling a user voids tokens, remembered logins and access keys', async () => {
    const user = await addUser(installation, 'leaving', 'leaving-password')
    const key = await createAccessKey(installation, requester, user)
    const withKey = basic(`eu-de@${key.id}`, deriveLoginKey(key.id, key.secret))
    const tokens = [
      (await get('service=dockyard', basic('leaving', 'leaving-password'))).body.token,
      (await get('service=dockyard', withKey)).body.token,
    ]
    await disableUser(installation, requester, user)
    for (const token of tokens) expect(await standingOf(token)).toBe('void')
    expect((await get('service=dockyard', basic('leaving', 'leaving-password'))).status).toBe(401)
    expect((await get('service=dockyard', withKey)).status).toBe(401)
  })

  test('disabling an access key voids what was made with it and leaves the user alone', async () => {
    const user = await addUser(installation, 'keyed', 'keyed-password')
    const key = await createAccessKey(installation, requester, user)
    const withKey = basic(`eu-de@${key.id}`, deriveLoginKey(key.id, key.secret))
    const byKey = (await get('service=dockyard', withKey)).body.token
    const byPassword = (await get('service=dockyard', basic('keyed', 'keyed-password'))).body.token
    await disableAccessKey(installation, requester, { accountId: user.accountId, id: key.id })
    expect([await standingOf(byKey), await standingOf(byPassword)]).toEqual(['void', 'current'])
    expect((await get('service=dockyard', withKey)).status).toBe(401)
    await enableAccessKey(installation, requester, { accountId: user.accountId, id: key.id })
    expect(await standingOf(byKey)).toBe('void')
    expect((await get('service=dockyard', withKey)).status).toBe(200)
  })

  test('an access key of one account is not to be disabled through another', async () => {
    const foreign = disableAccessKey(installation, requester, { accountId: 'f'.repeat(32), id: 'AKTESTTESTTESTTEST01' })
    expect(await foreign.catch(error => error)).toMatchObject({ code: 'access_key_unknown' })
    expect((await get('service=dockyard', basic('eu-de@AKTESTTESTTESTTEST01', loginKey))).status).toBe(200)
  })

  test('a docker token opens no management call, and a management token no registry', async () => {
    const { body } = await get('service=dockyard', administrator)
    const management = installation.identity.ofManagement(received({ 'x-auth-token': body.token }))
    expect(await management.catch(error => error)).toMatchObject({ code: 'credentials_invalid' })
    const bearer = installation.identity.ofManagement(received({ authorization: `Bearer ${body.token}` }))
    expect(await bearer.catch(error => error)).toMatchObject({ code: 'unauthenticated' })
    const { token } = await installation.identity.keystone.issue(installation.administrator, { kind: 'none' })
    const registry = Promise.resolve(installation.identity.ofDocker(`Bearer ${token}`, '127.0.0.1'))
    expect(await registry.catch(error => error)).toMatchObject({ code: 'credentials_invalid' })
  })
})
