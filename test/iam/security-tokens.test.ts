import { afterAll, beforeAll, expect, test } from 'bun:test'
import { describeEngines } from '../databases.ts'
import { signedRequest } from '../signing/received.ts'
import { addUser, ask, openTestInstallation, type TestInstallation } from './installation.ts'

describeEngines('POST /v3.0/OS-CREDENTIAL/securitytokens', (_engine, open) => {
  let installation: TestInstallation
  let token: string
  beforeAll(async () => {
    installation = await openTestInstallation(open)
    token = (await installation.identity.keystone.issue(installation.administrator, { kind: 'none' })).token
  })
  afterAll(() => installation.opened.dispose())

  const wish = (token: object | undefined, methods = ['token']) => ({ auth: { identity: { methods, token } } })
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    ask(installation.iam, '/v3.0/OS-CREDENTIAL/securitytokens', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })

  test.each<[string, (token: string) => [unknown, Record<string, string>], number]>([
    ['a token in the header', token => [wish({}), { 'x-auth-token': token }], 900],
    ['a token in the body', token => [wish({ id: token, duration_seconds: 3_600 }), {}], 3_600],
    ['the same token in both', token => [wish({ id: token }), { 'x-auth-token': token }], 900],
    ['seconds as text', token => [wish({ duration_seconds: '86400' }), { 'x-auth-token': token }], 86_400],
    ['no wish', token => [wish(undefined), { 'x-auth-token': token }], 900],
  ])('with %s gives a key that signs with its token', async (_what, request, seconds) => {
    const { status, headers, body, log } = await post(...request(token))
    expect(status).toBe(201)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(log).toMatchObject({ route: 'iam.security-token.create', caller: 'OTC000/user1' })
    const { access, secret, securitytoken, expires_at } = body.credential
    expect(expires_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    expect(Date.parse(expires_at) - installation.clock.nowMs()).toBeWithin(seconds * 1000 - 10_000, seconds * 1000 + 1)
    const key = { accessKey: access, secretKey: secret }
    const signed = signedRequest(key, {
      at: installation.clock.nowMs(),
      headers: { 'x-security-token': securitytoken },
    })
    expect(await installation.identity.ofManagement(signed)).toMatchObject({ userName: 'user1' })
  })

  test.each<[string, (token: string) => [unknown, Record<string, string>?], number]>([
    ['nobody', () => [wish({})], 401],
    ['a token that is none', () => [wish({ id: 'x' })], 401],
    ['less than 15 minutes', token => [wish({ duration_seconds: 899 }), { 'x-auth-token': token }], 400],
    ['more than a day', token => [wish({ duration_seconds: 86_401 }), { 'x-auth-token': token }], 400],
    ['half a second', token => [wish({ duration_seconds: 900.5 }), { 'x-auth-token': token }], 400],
    ['another method', token => [wish({}, ['assume_role']), { 'x-auth-token': token }], 400],
    ['no JSON', token => ['{', { 'x-auth-token': token }], 400],
    ['a body of 65 KiB', token => [' '.repeat(65 * 1024), { 'x-auth-token': token }], 413],
  ])('with %s gives none', async (_what, request, status) => {
    expect((await post(...request(token))).status).toBe(status)
  })

  test('a token in the body that is another user’s than the one in the header gives none', async () => {
    const other = await addUser(installation, 'other', 'a password')
    const theirs = (await installation.identity.keystone.issue(other, { kind: 'none' })).token
    expect((await post(wish({ id: theirs }), { 'x-auth-token': token })).status).toBe(401)
  })
})
