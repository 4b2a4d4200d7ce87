import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createAccessKey, disableAccessKey, enableAccessKey } from '../../src/core/accounts/access-keys.ts'
import { createDockerLogin, createTokenLogin } from '../../src/core/accounts/docker-logins.ts'
import { makeAccessKey } from '../../src/core/accounts/for-callers.ts'
import type { User } from '../../src/core/accounts/queries.ts'
import { createTemporaryKey, revokeTemporaryKey } from '../../src/core/accounts/temporary-keys.ts'
import { disableUser, enableUser, setPassword } from '../../src/core/accounts/users.ts'
import type { Requester, UserCaller } from '../../src/core/caller.ts'
import { describeEngines } from '../databases.ts'
import { addUser, ask, basic, openTestInstallation, requester, type TestInstallation } from '../iam/installation.ts'
import { signedRequest } from './received.ts'
import type { SigningKey } from './sign.ts'

const hourMs = 3_600_000

describeEngines('temporary keys', (_engine, open) => {
  let installation: TestInstallation
  beforeAll(async () => {
    installation = await openTestInstallation(open)
  })
  afterAll(() => installation.opened.dispose())

  const origin = { requestId: 'test', sourceAddress: '127.0.0.1' }
  const nowMs = () => installation.clock.nowMs()
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'taken',
      error => error.code,
    )

  /** A caller by a password login. */
  const byToken = async (user: User): Promise<Requester & { caller: UserCaller }> => {
    const { token } = await installation.identity.keystone.issue(user, { kind: 'none' })
    const caller = await installation.identity.ofManagement({
      ...signedRequest({ accessKey: '', secretKey: '' }, { at: nowMs() }),
      headers: new Headers({ 'x-auth-token': token }),
    })
    return { caller: caller as UserCaller, origin }
  }
  /** A caller by a signature. */
  const bySignature = async (key: SigningKey, securityToken?: string): Promise<Requester & { caller: UserCaller }> => {
    const headers: Record<string, string> = securityToken === undefined ? {} : { 'x-security-token': securityToken }
    const caller = await installation.identity.ofManagement(signedRequest(key, { at: nowMs(), headers }))
    return { caller: caller as UserCaller, origin }
  }
  const standingOf = async ({ caller }: { caller: UserCaller }) =>
    (await installation.access.facts(caller)).standing.kind

  /** Whatever can be had with an end, from whoever asks: how to prove oneself with it, and its id. */
  const everyKind = {
    'a temporary access key': async (by: Requester & { caller: UserCaller }) => {
      const key = await createTemporaryKey(installation, by, hourMs)
      const signing = { accessKey: key.id, secretKey: key.secret }
      return { id: key.id, prove: async () => (await bySignature(signing, key.securityToken)).caller }
    },
    'a docker login': async (by: Requester & { caller: UserCaller }) => {
      const login = await createDockerLogin(installation, by, { projectName: undefined, region: 'x', lifeMs: hourMs })
      const id = login.user.split('@')[1] ?? ''
      return { id, prove: async () => installation.identity.ofDocker(basic(login.user, login.password), '127.0.0.1') }
    },
    'a token login': async (by: Requester & { caller: UserCaller }) => {
      const login = await createTokenLogin(installation, by, hourMs)
      const id = login.user.split('@')[1] ?? ''
      return { id, prove: async () => installation.identity.ofDocker(basic(login.user, login.password), '127.0.0.1') }
    },
  }

  for (const [kind, make] of Object.entries(everyKind)) {
    const person = () => addUser(installation, `user of ${kind} ${Math.random()}`, 'a password')

    test(`${kind} proves its user until its end, remembered or not, and not a moment longer`, async () => {
      const user = await person()
      const made = await make(await byToken(user))
      expect(await made.prove()).toMatchObject({ kind: 'user', userId: user.id, expiresMs: expect.any(Number) })
      installation.clock.passMs(hourMs - 10_000)
      expect(await made.prove()).toMatchObject({ userId: user.id })
      installation.clock.passMs(10_000)
      expect(await codeOf(made.prove())).toBe('credentials_invalid')
    })

    const endings: Record<string, (user: User, id: string) => Promise<unknown>> = {
      'its user is disabled': user => disableUser(installation, requester, user),
      'its user is disabled and enabled again': async user => {
        await disableUser(installation, requester, user)
        await enableUser(installation, requester, user)
      },
      'its user gets another password': user => setPassword(installation, requester, { user, password: 'another one' }),
      'it is revoked': (user, id) => revokeTemporaryKey(installation, requester, { accountId: user.accountId, id }),
    }
    for (const [ending, end] of Object.entries(endings)) {
      test(`${kind} is void at once when ${ending}, with what was proved by it before`, async () => {
        const user = await person()
        const made = await make(await byToken(user))
        const caller = (await made.prove()) as UserCaller
        expect(await standingOf({ caller })).toBe('current')
        await end(user, made.id)
        expect(await codeOf(made.prove())).toBe('credentials_invalid')
        expect(await standingOf({ caller })).toBe('void')
      })
    }

    test(`${kind} made by a signature is void with the access key, and does not come back with it`, async () => {
      const user = await person()
      const parent = await createAccessKey(installation, requester, user)
      const made = await make(await bySignature({ accessKey: parent.id, secretKey: parent.secret }))
      const caller = (await made.prove()) as UserCaller
      expect(await standingOf({ caller })).toBe('current')
      const key = { accountId: user.accountId, id: parent.id }
      await disableAccessKey(installation, requester, key)
      expect(await codeOf(made.prove())).toBe('credentials_invalid')
      expect(await standingOf({ caller })).toBe('void')
      await enableAccessKey(installation, requester, key)
      expect(await codeOf(made.prove())).toBe('credentials_invalid')
      expect(await standingOf({ caller })).toBe('void')
    })

    test(`${kind} is revoked through its own account only`, async () => {
      const user = await person()
      const made = await make(await byToken(user))
      const foreign = revokeTemporaryKey(installation, requester, { accountId: 'f'.repeat(32), id: made.id })
      expect(await codeOf(foreign)).toBe('access_key_unknown')
      expect(await made.prove()).toMatchObject({ userId: user.id })
    })
  }

  test('a temporary access key signs with its own security token only', async () => {
    const user = await addUser(installation, 'two keys', 'a password')
    const by = await byToken(user)
    const [one, other] = [
      await createTemporaryKey(installation, by, hourMs),
      await createTemporaryKey(installation, by, hourMs),
    ]
    const signing = { accessKey: one.id, secretKey: one.secret }
    expect((await bySignature(signing, one.securityToken)).caller.userId).toBe(user.id)
    for (const wrong of [undefined, '', other.securityToken, `${one.securityToken}x`]) {
      expect(await codeOf(bySignature(signing, wrong))).toBe('credentials_invalid')
    }
  })

  test('an access key comes without a security token', async () => {
    const { accessKey, secretKey } = installation.credentials
    expect(await codeOf(bySignature({ accessKey, secretKey }, 'of nothing'))).toBe('credentials_invalid')
    expect((await bySignature({ accessKey, secretKey }, '')).caller.userName).toBe('user1')
  })

  test('the key of a docker login signs nothing, and neither key nor token is the other', async () => {
    const by = await byToken(installation.administrator)
    const key = await createDockerLogin(installation, by, { projectName: undefined, region: 'x', lifeMs: hourMs })
    const token = await createTokenLogin(installation, by, hourMs)
    const [project, keyId = ''] = key.user.split('@')
    const [, tokenId = ''] = token.user.split('@')
    expect(project).toBe('eu-de')
    for (const securityToken of [undefined, key.password]) {
      expect(await codeOf(bySignature({ accessKey: keyId, secretKey: key.password }, securityToken))).toBe(
        'credentials_invalid',
      )
      expect(await codeOf(bySignature({ accessKey: tokenId, secretKey: token.password }, token.password))).toBe(
        'credentials_invalid',
      )
    }
    for (const [name, password] of [
      [`bearertoken@${keyId}`, key.password],
      [`eu-de@${tokenId}`, token.password],
      [`bearertoken@${tokenId}`, key.password],
      [`other@${keyId}`, key.password],
    ] as const) {
      expect(await codeOf(Promise.resolve(installation.identity.ofDocker(basic(name, password), '127.0.0.1')))).toBe(
        'credentials_invalid',
      )
    }
  })

  test('what is made with a temporary key ends with it, is revoked with it, and is no key that signs', async () => {
    const user = await addUser(installation, 'made with', 'a password')
    const parent = await createTemporaryKey(installation, await byToken(user), hourMs)
    const by = await bySignature({ accessKey: parent.id, secretKey: parent.secret }, parent.securityToken)
    expect(await codeOf(createTemporaryKey(installation, by, hourMs))).toBe('denied')
    const asked = { userId: user.id, description: '' }
    expect(await codeOf(makeAccessKey(installation, by, asked))).toBe('denied')
    const login = await createTokenLogin(installation, by, 24 * hourMs)
    expect(login.expiresMs).toBe(parent.expiresMs)
    const prove = async () => installation.identity.ofDocker(basic(login.user, login.password), '127.0.0.1')
    expect(await prove()).toMatchObject({ userId: user.id })
    await revokeTemporaryKey(installation, requester, { accountId: user.accountId, id: parent.id })
    expect(await codeOf(prove())).toBe('credentials_invalid')
    // Who proved himself before the revocation makes nothing any more.
    expect(await codeOf(createTokenLogin(installation, by, hourMs))).toBe('credentials_invalid')
  })

  test('a docker token lives no longer than the login that asked for it', async () => {
    const by = await byToken(installation.administrator)
    const login = await createTokenLogin(installation, by, 300_000)
    const authorization = basic(login.user, login.password)
    const answer = await ask(installation.token, '/swr/auth/v2/registry/auth?service=dockyard', {
      headers: { authorization },
    })
    expect(answer.status).toBe(200)
    expect(answer.body.expires_in).toBeWithin(298, 301)
    expect((await installation.identity.ofDocker(`Bearer ${answer.body.token}`, '127.0.0.1')).kind).toBe('user')
    // Replicas' clocks may differ by half a minute.
    installation.clock.passMs(331_000)
    expect(
      await codeOf((async () => installation.identity.ofDocker(`Bearer ${answer.body.token}`, '127.0.0.1'))()),
    ).toBe('credentials_invalid')
  })

  test('rows hold no secret in readable form, and the job removes what has expired', async () => {
    const by = await byToken(installation.administrator)
    const key = await createTemporaryKey(installation, by, hourMs)
    const token = await createTokenLogin(installation, by, 2 * hourMs)
    const idOf = (login: string) => login.split('@')[1] ?? ''
    const rows = await installation.db.read.selectFrom('temporary_keys').selectAll().execute()
    const stored = rows.map(row =>
      Object.values(row).map(each => (each instanceof Uint8Array ? Buffer.from(each).toString('latin1') : each)),
    )
    for (const secret of [key.secret, key.securityToken, token.password])
      expect(JSON.stringify(stored)).not.toContain(secret)
    expect(rows.map(row => row.id)).toContain(key.id)
    installation.clock.passMs(hourMs)
    expect(await installation.identity.deleteExpired()).toBeGreaterThan(0)
    const left = (await installation.db.read.selectFrom('temporary_keys').select('id').execute()).map(row => row.id)
    expect(left).not.toContain(key.id)
    expect(left).toContain(idOf(token.user))
  })

  test('each that is made or revoked is an event without its secrets', async () => {
    const by = await byToken(installation.administrator)
    const key = await createTemporaryKey(installation, by, hourMs)
    await revokeTemporaryKey(installation, by, { accountId: by.caller.accountId, id: key.id })
    const events = await installation.db.read
      .selectFrom('events')
      .select(['kind', 'detail', 'actor_name'])
      .where('kind', 'like', 'temporary-key.%')
      .orderBy('id', 'desc')
      .limit(2)
      .execute()
    expect(events.map(event => [event.kind, event.actor_name, JSON.parse(event.detail).accessKey])).toEqual([
      ['temporary-key.revoked', 'user1', key.id],
      ['temporary-key.created', 'user1', key.id],
    ])
    expect(JSON.stringify(events)).not.toContain(key.secret)
    expect(JSON.stringify(events)).not.toContain(key.securityToken)
  })
})
