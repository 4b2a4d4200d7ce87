import { afterAll, beforeAll, expect, test } from 'bun:test'
import { DomainError } from '../../src/core/errors.ts'
import { openLoginGuard } from '../../src/identity/login-guard.ts'
import { deriveLoginKey } from '../../src/protocol/auth/login-key.ts'
import { describeEngines } from '../databases.ts'
import { addAccount, addPerson, type Person } from '../people.ts'
import { credentials, describeServers, startTestServer, type TestServer } from '../server.ts'
import { openTestInstallation, secrets, type TestInstallation } from './installation.ts'

const words = 'Not allow to login, upload or download image'

describeServers('logins after repeated failures', engine => {
  let server: TestServer
  const startedMs = Date.now()
  let passedMs = 0
  beforeAll(async () => {
    server = await startTestServer(
      engine,
      { STOWER_LOGINS_MOST_FAILURES: '3', STOWER_TRUSTED_PROXIES: '127.0.0.1' },
      { clock: { nowMs: () => startedMs + passedMs } },
    )
  })
  afterAll(() => server.stop())

  const basic = (name: string, password: string) => ({ authorization: `Basic ${btoa(`${name}:${password}`)}` })
  const ask = async (path: string, from: string, init: RequestInit = {}) => {
    const response = await fetch(`${server.url}${path}`, {
      ...init,
      headers: { ...init.headers, 'x-forwarded-for': from },
    })
    return { status: response.status, text: await response.text() }
  }
  const toKeystone = (user: object, from: string) =>
    ask('/v3/auth/tokens', from, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } } } }),
    })

  type Login = (person: Person, password: string, from: string) => Promise<{ status: number; text: string }>
  const logins: Record<string, Login> = {
    'the registry API': ({ name }, password, from) => ask('/v2/', from, { headers: basic(name, password) }),
    'the registry API with the account': ({ name, account }, password, from) =>
      ask('/v2/', from, { headers: basic(`${account}/${name}`, password) }),
    'the token endpoint': ({ name }, password, from) =>
      ask('/swr/auth/v2/registry/auth/?service=dockyard', from, { headers: basic(name, password) }),
    'the identity API by name': ({ name, account }, password, from) =>
      toKeystone({ name, domain: { name: account }, password }, from),
    'the identity API by id': ({ id }, password, from) => toKeystone({ id, password }, from),
  }

  test.each(Object.entries(logins))(
    'on %s the right password is refused from that address for 30 minutes, and taken from any other',
    async (how, logIn) => {
      const person = await addPerson(server, `person ${how.replaceAll(' ', '-')}`)
      for (let time = 0; time < 3; time++) {
        expect((await logIn(person, `wrong ${time}`, '192.0.2.1')).status).toBe(401)
      }
      const refused = await logIn(person, person.password, '192.0.2.1')
      expect([refused.status, refused.text.includes(words)]).toEqual([403, true])
      expect((await logIn(person, person.password, '192.0.2.2')).status).toBeLessThan(300)
      passedMs += 30 * 60_000 - 1_000
      expect((await logIn(person, person.password, '192.0.2.1')).status).toBe(403)
      passedMs += 1_000
      expect((await logIn(person, person.password, '192.0.2.1')).status).toBeLessThan(300)
    },
  )

  test('a right password that is remembered is refused from where others of it failed', async () => {
    const person = await addPerson(server, 'remembered')
    const logIn = logins['the registry API']
    for (const from of ['192.0.2.8', '192.0.2.9', '192.0.2.8']) {
      expect((await logIn?.(person, person.password, from))?.status).toBe(200)
    }
    for (let time = 0; time < 3; time++) await logIn?.(person, `wrong ${time}`, '192.0.2.8')
    expect((await logIn?.(person, person.password, '192.0.2.8'))?.status).toBe(403)
    expect((await logIn?.(person, person.password, '192.0.2.9'))?.status).toBe(200)
  })

  test('docker is told in the words that it prints', async () => {
    const person = await addPerson(server, 'docker user')
    for (let time = 0; time < 3; time++) await logins['the token endpoint']?.(person, `wrong ${time}`, '192.0.2.1')
    const refused = await logins['the token endpoint']?.(person, person.password, '192.0.2.1')
    expect(JSON.parse(refused?.text ?? '')).toMatchObject({ errors: [{ code: 'DENIED', message: words }] })
  })

  test('failures count together however a client writes the name, and another user’s do not', async () => {
    const [person, other] = [await addPerson(server, 'many-forms'), await addPerson(server, 'bystander')]
    await logins['the registry API']?.(person, 'wrong', '192.0.2.3')
    await logins['the identity API by id']?.(person, 'wrong', '192.0.2.3')
    expect((await logins['the registry API']?.(other, other.password, '192.0.2.3'))?.status).toBe(200)
    await logins['the registry API with the account']?.(person, 'wrong', '192.0.2.3')
    for (const logIn of Object.values(logins)) {
      expect((await logIn(person, person.password, '192.0.2.3')).status).toBe(403)
      expect((await logIn(other, other.password, '192.0.2.3')).status).toBeLessThan(300)
    }
  })

  test('a right login between wrong ones begins the count anew', async () => {
    const person = await addPerson(server, 'forgetful')
    const statuses: (number | undefined)[] = []
    for (const password of ['wrong 1', 'wrong 2', person.password, 'wrong 3', 'wrong 4', person.password]) {
      statuses.push((await logins['the identity API by name']?.(person, password, '192.0.2.4'))?.status)
    }
    expect(statuses).toEqual([401, 401, 201, 401, 401, 201])
  })

  test('a user who is not there is refused after as many failures and with the same words', async () => {
    await addAccount(server, 'OTC333')
    const ghosts = [
      { name: 'ghost', account: credentials.account },
      { name: 'ghost', account: 'OTC333' },
      { name: 'ghost', account: 'NOWHERE' },
    ]
    for (const { name, account } of ghosts) {
      const forms = [
        account === credentials.account ? name : `${account}/${name}`,
        `${account}/${name}`,
        `${account}/${name}`,
        `${account}/${name}`,
      ]
      const answers = []
      for (const form of forms) {
        const { status, text } = await ask('/v2/', '192.0.2.5', { headers: basic(form, 'guess') })
        answers.push([status, text.includes(words)])
      }
      expect([account, answers]).toEqual([
        account,
        [
          [401, false],
          [401, false],
          [401, false],
          [403, true],
        ],
      ])
    }
  })

  test('an access key is refused after wrong login keys, its owner’s password is not', async () => {
    const name = `${credentials.project}@${credentials.accessKey}`
    const logIn = (password: string, from: string) => ask('/v2/', from, { headers: basic(name, password) })
    for (let time = 0; time < 3; time++) expect((await logIn('0'.repeat(64), '192.0.2.6')).status).toBe(401)
    const key = deriveLoginKey(credentials.accessKey, credentials.secretKey)
    expect((await logIn(key, '192.0.2.6')).status).toBe(403)
    expect((await logIn(key, '192.0.2.7')).status).toBe(200)
    const owner = await ask('/v2/', '192.0.2.6', { headers: basic(credentials.user, credentials.password) })
    expect(owner.status).toBe(200)
    for (let time = 0; time < 3; time++) {
      const ofNobody = await ask('/v2/', '192.0.2.6', { headers: basic('eu-de@AKUNKNOWN', 'x') })
      expect(ofNobody.status).toBe(401)
    }
    expect((await ask('/v2/', '192.0.2.6', { headers: basic('eu-de@AKUNKNOWN', 'x') })).status).toBe(403)
  })

  test('who has one address of an IPv6 network has all of its /64', async () => {
    const person = await addPerson(server, 'six')
    const logIn = logins['the identity API by name']
    for (const from of ['2001:db8:0:1::1', '2001:db8:0:1::2', '2001:db8:0:1:ffff::3']) await logIn?.(person, 'no', from)
    expect((await logIn?.(person, person.password, '2001:db8::1:0:0:0:9'))?.status).toBe(403)
    expect((await logIn?.(person, person.password, '2001:db8:0:2::1'))?.status).toBe(201)
  })
})

describeEngines('what is kept of failed logins', (_engine, open) => {
  let installation: TestInstallation
  beforeAll(async () => {
    installation = await openTestInstallation(open)
  })
  afterAll(() => installation.opened.dispose())

  const rows = async () => (await installation.db.read.selectFrom('login_refusals').selectAll().execute()).length
  const settings = { mostFailures: 10, refusedForMs: 1_800_000 }

  test('nothing for a single one, one row for too many, which every replica goes by until the job removes it', async () => {
    const name = { id: installation.administrator.id }
    const [first, second] = [installation.identity, installation.openReplica()]
    for (let time = 0; time < 9; time++) {
      await expect(first.logIn(name, { password: `wrong ${time}` }, '192.0.2.9')).rejects.toMatchObject({
        code: 'credentials_invalid',
      })
    }
    expect(await rows()).toBe(0)
    await expect(first.logIn(name, { password: 'wrong' }, '192.0.2.9')).rejects.toMatchObject({
      code: 'credentials_invalid',
    })
    expect(await rows()).toBe(1)
    for (const replica of [first, second]) {
      await expect(replica.logIn(name, { password: secrets.password }, '192.0.2.9')).rejects.toMatchObject({
        code: 'login_refused',
      })
      expect((await replica.logIn(name, { password: secrets.password }, '192.0.2.10')).name).toBe('user1')
    }
    installation.clock.passMs(settings.refusedForMs)
    expect((await second.logIn(name, { password: secrets.password }, '192.0.2.9')).name).toBe('user1')
    await first.deleteExpired()
    expect(await rows()).toBe(0)
  })

  test('a flood of names adds no more than ten thousand rows, and is refused all the same', async () => {
    const untilMs = installation.clock.nowMs() + settings.refusedForMs
    for (let from = 0; from < 9_999; from += 909) {
      const some = Array.from({ length: 909 }, (_, number) => ({
        login_hash: new Uint8Array(new Uint32Array([from + number, 0, 0, 0]).buffer),
        until_ms: untilMs,
      }))
      await installation.db.write(tx => tx.insertInto('login_refusals').values(some).execute())
    }
    const guard = openLoginGuard({ ...installation, settings })
    for (const subject of ['a', 'b', 'c']) {
      const attempt = { subject, kind: 'key', sourceAddress: '192.0.2.11' } as const
      const fail = () => Promise.reject(new DomainError('credentials_invalid', 'wrong'))
      for (let time = 0; time < 10; time++) {
        await expect(guard.attempt(attempt, fail)).rejects.toMatchObject({ code: 'credentials_invalid' })
      }
      await expect(guard.attempt(attempt, fail)).rejects.toMatchObject({ code: 'login_refused' })
    }
    expect(await rows()).toBe(10_000)
  })
})
