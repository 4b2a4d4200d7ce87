import { expect, test } from 'bun:test'
import { disableAccessKey } from '../../src/core/accounts/access-keys.ts'
import { openIdentity } from '../../src/identity/identity.ts'
import { openSqliteForTest } from '../databases.ts'
import { basic, openTestInstallation, requester } from '../iam/installation.ts'
import { signedRequest } from './received.ts'

/*
 * Who tries keys learns nothing by the time it takes: an unknown key, a disabled one and a wrong signature cost the same.
 */
test('an unknown key and a wrong signature cost the same queries, the same opening of a secret, and about the same time', async () => {
  const installation = await openTestInstallation(openSqliteForTest)
  try {
    const { administrator, credentials, clock, db, sealer } = installation
    let work: string[] = []
    const noting = <Arguments>(what: string, args: Arguments) => {
      work.push(what)
      return args
    }
    // The real ones, which also tell.
    const identity = openIdentity({
      ...installation,
      tokens: { keystoneLifeMs: 1, dockerLifeMs: 1 },
      logins: { mostFailures: 10, refusedForMs: 1_800_000 },
      sealer: { ...sealer, unseal: (...args) => sealer.unseal(...noting('unseal', args)) },
      db: new Proxy(db, {
        get: (target, name) => {
          if (name !== 'prepare') {
            const value = Reflect.get(target, name)
            return typeof value === 'function' ? value.bind(target) : value
          }
          return (called: string, sql: string) => {
            const query = target.prepare(called, sql)
            return (...args: Parameters<typeof query>) => query(...noting(called, args))
          }
        },
      }),
    })
    const tries = {
      'a wrong signature': { ...credentials, secretKey: 'x'.repeat(40) },
      'an unknown key': { ...credentials, accessKey: 'AKNOTTHERE0000000000' },
    }
    const workOf = async (run: () => Promise<unknown>) => {
      work = []
      expect(await run().catch(error => error.code)).toBe('credentials_invalid')
      return work
    }
    const sign = (key: (typeof tries)['an unknown key']) =>
      identity.ofManagement(signedRequest(key, { at: clock.nowMs() }))
    const logIn = async (key: { accessKey: string }) =>
      identity.ofDocker(basic(`eu-de@${key.accessKey}`, 'f'.repeat(64)), '127.0.0.1')
    for (const attempt of [sign, logIn]) {
      const ofWrong = await workOf(() => attempt(tries['a wrong signature']))
      expect(ofWrong.slice(-2)).toEqual(['key', 'unseal'])
      expect(await workOf(() => attempt(tries['an unknown key']))).toEqual(ofWrong)
    }

    // By turns, so that whatever else the machine does meets both; of each the median.
    const times: Record<string, number[]> = { 'a wrong signature': [], 'an unknown key': [] }
    for (let round = 0; round < 400; round++) {
      for (const [what, key] of Object.entries(tries)) {
        const startedMs = performance.now()
        await sign(key).catch(() => {})
        times[what]?.push(performance.now() - startedMs)
      }
    }
    const [one = 0, other = 0] = Object.values(times).map(each => each.sort((a, b) => a - b)[each.length / 2] ?? 0)
    expect(one / other).toBeWithin(0.5, 2)

    await disableAccessKey(installation, requester, { accountId: administrator.accountId, id: credentials.accessKey })
    for (const attempt of [sign, logIn]) {
      expect((await workOf(() => attempt(credentials))).slice(-2)).toEqual(['key', 'unseal'])
    }
  } finally {
    await installation.opened.dispose()
  }
})
