import { afterAll, beforeAll, expect, test } from 'bun:test'
import { openIdentity } from '../../src/identity/identity.ts'
import { describeEngines } from '../databases.ts'
import { openTestInstallation, type TestInstallation } from '../iam/installation.ts'
import { signedRequest } from './received.ts'

describeEngines('the guard against replays', (_engine, open) => {
  let installation: TestInstallation
  beforeAll(async () => {
    installation = await openTestInstallation(open)
  })
  afterAll(() => installation.opened.dispose())

  const tokens = { keystoneLifeMs: 24 * 3_600_000, dockerLifeMs: 900_000 }
  const logins = { mostFailures: 10, refusedForMs: 1_800_000 }
  const replica = (refusesReplays: boolean) => openIdentity({ ...installation, tokens, logins, refusesReplays })
  let number = 0
  /** A request that nothing sent before. */
  const fresh = (at = installation.clock.nowMs()) =>
    signedRequest(installation.credentials, { at, path: `/v2/manage/namespaces?n=${++number}` })
  const outcome = (promise: Promise<unknown>) =>
    promise.then(
      () => 'taken',
      error => error.message,
    )
  const count = async () =>
    Number(
      (
        await installation.db.read
          .selectFrom('used_signatures')
          .select(eb => eb.fn.countAll().as('count'))
          .executeTakeFirstOrThrow()
      ).count,
    )

  test('a signature counts once, and for five seconds more, on every replica', async () => {
    const [one, other] = [replica(true), replica(true)]
    const request = fresh()
    expect(await outcome(one.ofManagement(request))).toBe('taken')
    installation.clock.passMs(4_000)
    expect(await outcome(other.ofManagement(request))).toBe('taken')
    installation.clock.passMs(1_001)
    for (const identity of [one, other]) expect(await outcome(identity.ofManagement(request))).toContain('sent before')
    expect(await outcome(one.ofManagement(fresh()))).toBe('taken')
  })

  test('of requests that come at once with one signature each is the first or within its seconds', async () => {
    const replicas = Array.from({ length: 4 }, () => replica(true))
    const request = fresh()
    const all = replicas.flatMap(identity => [1, 2, 3].map(() => outcome(identity.ofManagement(request))))
    expect(new Set(await Promise.all(all))).toEqual(new Set(['taken']))
    const rows = await installation.db.read.selectFrom('used_signatures').select('first_ms').execute()
    expect(new Set(rows.map(row => row.first_ms)).size).toBe(rows.length)
    installation.clock.passMs(5_001)
    expect(await outcome(replicas[0]?.ofManagement(request) ?? Promise.resolve())).toContain('sent before')
  })

  test('it is off unless it is asked for', async () => {
    const request = fresh()
    const identity = replica(false)
    const before = await count()
    expect(await outcome(identity.ofManagement(request))).toBe('taken')
    installation.clock.passMs(60_000)
    expect(await outcome(identity.ofManagement(request))).toBe('taken')
    expect(await count()).toBe(before)
  })

  test('a signature that does not hold leaves no row', async () => {
    const before = await count()
    const wrong = { ...installation.credentials, secretKey: 'another' }
    const request = signedRequest(wrong, { at: installation.clock.nowMs() })
    expect(await outcome(replica(true).ofManagement(request))).not.toBe('taken')
    expect(await count()).toBe(before)
  })

  test('rows go when their time is over: with those that come, and with the job', async () => {
    const identity = replica(true)
    for (let round = 0; round < 6; round++) await identity.ofManagement(fresh())
    const full = await count()
    installation.clock.passMs(40 * 60_000)
    await identity.ofManagement(fresh())
    expect(await count()).toBe(full - 1)
    const request = fresh()
    await identity.ofManagement(request)
    await identity.deleteExpired()
    expect(await count()).toBe(2)
    // What may still be sent is kept: a signature from the future counts for half an hour.
    const early = fresh(installation.clock.nowMs() + 14 * 60_000)
    await identity.ofManagement(early)
    installation.clock.passMs(28 * 60_000)
    await identity.deleteExpired()
    expect(await outcome(identity.ofManagement(early))).toContain('sent before')
  })
})
