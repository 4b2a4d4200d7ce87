import { afterEach, beforeEach, expect, test } from 'bun:test'
import {
  type CryptoKey,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importPKCS8,
  type JWTPayload,
  SignJWT,
} from 'jose'
import { systemClock } from '../../src/core/clock.ts'
import { openDockerTokens } from '../../src/identity/docker-tokens.ts'
import { sealerOf } from '../../src/identity/sealing.ts'
import { openSigningKeys } from '../../src/identity/signing-keys.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'

const dayMs = 24 * 3_600_000
const scopes = [{ type: 'repository', name: 'team/app', actions: ['pull'] }]
const caller = {
  kind: 'user',
  userId: 'a'.repeat(32),
  userName: 'user1',
  accountId: 'b'.repeat(32),
  accountName: 'OTC000',
  userEpoch: 1,
} as const

describeEngines('docker tokens', (_engine, open) => {
  let opened: TestDatabase
  let passedMs = 0
  const clock = { nowMs: () => systemClock.nowMs() + passedMs }
  const sealer = sealerOf('a key of the tests')
  beforeEach(async () => {
    passedMs = 0
    opened = await open()
  })
  afterEach(() => opened.dispose())

  const replica = () => {
    const keys = openSigningKeys({ db: opened.db, clock, sealer })
    return { keys, ...openDockerTokens({ clock, keys, lifeMs: 900_000 }) }
  }
  const refusal = (of: { verify: (token: string) => unknown }, token: string) =>
    Promise.resolve()
      .then(() => of.verify(token))
      .then(
        () => undefined,
        error => error,
      )
  /** The store's private key, as only a test may take it. */
  const stolenKey = async (): Promise<CryptoKey> => {
    const row = await opened.db.read.selectFrom('signing_keys').selectAll().executeTakeFirstOrThrow()
    const pem = Buffer.from(sealer.unseal(row.sealed_private_key, `signing-key ${row.id}`)).toString()
    return importPKCS8(pem, 'ES256')
  }
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

  test('forged tokens are refused alike', async () => {
    const server = replica()
    const { token } = await server.issue(caller, scopes)
    const header = decodeProtectedHeader(token)
    const claims: JWTPayload = { ...decodeJwt(token), sub: 'c'.repeat(32) }
    const kid = header.kid ?? ''
    const row = await opened.db.read.selectFrom('signing_keys').selectAll().executeTakeFirstOrThrow()
    const own = await generateKeyPair('ES256', { extractable: true })
    const ownJwk = await exportJWK(own.publicKey)
    const sign = (extra: Record<string, unknown>, key: CryptoKey | Uint8Array, alg: string) =>
      new SignJWT(claims).setProtectedHeader({ alg, ...extra }).sign(key)
    const [head = '', body = '', signature = ''] = token.split('.')
    const forged = {
      'alg none': `${part({ alg: 'none', kid })}.${part(claims)}.`,
      'alg none with the old signature': `${part({ alg: 'none', kid })}.${part(claims)}.${signature}`,
      'HS256 with the public key as text': await sign({ kid }, Buffer.from(row.public_jwk), 'HS256'),
      'an embedded key under a real id': await sign({ kid, jwk: ownJwk }, own.privateKey, 'ES256'),
      'an embedded key under no id': await sign({ jwk: ownJwk }, own.privateKey, 'ES256'),
      'a key elsewhere': await sign({ kid, jku: 'http://127.0.0.1:1/keys' }, own.privateKey, 'ES256'),
      'another key under a real id': await sign({ kid }, own.privateKey, 'ES256'),
      'another key under its own id': await sign({ kid: 'own' }, own.privateKey, 'ES256'),
      'an id of an object property': await sign({ kid: '__proto__' }, own.privateKey, 'ES256'),
      'changed claims': `${head}.${part(claims)}.${signature}`,
      'a changed signature': `${head}.${body}.${signature.slice(0, -4)}AAAA`,
      'no signature': `${head}.${body}.`,
      'a part less': `${head}.${body}`,
      'a header that is no JSON': `e30x.${body}.${signature}`,
      nothing: '',
      dots: '...',
      'a megabyte': 'x'.repeat(1 << 20),
    }
    for (const [what, one] of Object.entries(forged)) {
      const error = await refusal(server, one)
      expect([what, error?.code, error?.message]).toEqual([
        what,
        'credentials_invalid',
        'the token is wrong or expired: log in again',
      ])
    }
    expect(await server.verify(token)).toMatchObject({ userId: caller.userId })
  })

  test('claims that are not ours are refused even under our own key', async () => {
    const server = replica()
    const { token } = await server.issue(caller, scopes)
    const kid = decodeProtectedHeader(token).kid ?? ''
    const good = decodeJwt(token)
    const key = await stolenKey()
    const sign = (claims: JWTPayload) => new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign(key)
    expect(await server.verify(await sign(good))).toMatchObject({ kind: 'user' })
    const nowS = Math.floor(clock.nowMs() / 1000)
    const without = (name: string) => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name))
    const bad: JWTPayload[] = [
      { ...good, aud: 'another' },
      { ...good, iss: 'another' },
      { ...good, exp: nowS - 61 },
      { ...good, nbf: nowS + 61 },
      { ...good, iat: nowS + 61 },
      { ...good, access: 'all' },
      { ...good, user: { name: 'user1' } },
      ...['iss', 'aud', 'sub', 'exp', 'nbf', 'iat', 'jti', 'access'].map(without),
    ]
    for (const claims of bad)
      expect(await refusal(server, await sign(claims))).toMatchObject({ code: 'credentials_invalid' })
  })

  test('a token ends with its time, remembered or not', async () => {
    const server = replica()
    const { token } = await server.issue(caller, scopes)
    await server.verify(token)
    passedMs = 890_000
    expect(await server.verify(token)).toMatchObject({ kind: 'user' })
    passedMs = 960_000
    expect(await refusal(server, token)).toMatchObject({ code: 'credentials_invalid' })
    expect(await refusal(server, token)).toMatchObject({ code: 'credentials_invalid' })
    expect(await refusal(replica(), token)).toMatchObject({ code: 'credentials_invalid' })
  })

  test('replicas that make their first key at once accept each other’s tokens, and agree afterwards', async () => {
    const replicas = Array.from({ length: 4 }, replica)
    const issued = await Promise.all(replicas.map(one => one.issue(caller, scopes)))
    for (const one of replicas) {
      for (const { token } of issued) expect(await one.verify(token)).toMatchObject({ userId: caller.userId })
    }
    const kids = await Promise.all(
      [replica(), replica()].map(async one => decodeProtectedHeader((await one.issue(caller, [])).token).kid),
    )
    expect(new Set(kids).size).toBe(1)
  })

  test('many first tokens of one process make one key', async () => {
    const server = replica()
    await Promise.all(Array.from({ length: 20 }, () => server.issue(caller, scopes)))
    expect(await opened.db.read.selectFrom('signing_keys').select('id').execute()).toHaveLength(1)
  })

  test('a key signs for 30 days, is accepted while its tokens may live, and then goes', async () => {
    const server = replica()
    const first = decodeProtectedHeader((await server.issue(caller, [])).token).kid
    passedMs = 30 * dayMs - 60_000
    const { token: late } = await server.issue(caller, scopes)
    expect(decodeProtectedHeader(late).kid).toBe(first ?? '')
    passedMs = 30 * dayMs + 60_000
    const { token: next } = await server.issue(caller, scopes)
    expect(decodeProtectedHeader(next).kid).not.toBe(first)
    expect(await replica().verify(late)).toMatchObject({ kind: 'user' })
    expect(await server.keys.deleteExpired()).toBe(0)
    passedMs = 32 * dayMs
    expect(await server.keys.deleteExpired()).toBe(1)
    expect(await server.keys.find(first ?? '')).toBeUndefined()
  })

  test('private keys are kept sealed', async () => {
    await replica().issue(caller, [])
    const row = await opened.db.read.selectFrom('signing_keys').selectAll().executeTakeFirstOrThrow()
    expect(Buffer.from(row.sealed_private_key).toString('latin1')).not.toContain('PRIVATE')
    expect(row.public_jwk).not.toContain('"d"')
  })

  const unknownTokens = async () => {
    const own = await generateKeyPair('ES256')
    const sign = (number: number) =>
      new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: `unknown-${number}` }).sign(own.privateKey)
    return Promise.all(Array.from({ length: 100 }, (_, number) => sign(number)))
  }

  test('tokens of unknown keys ask the store only so often, and known keys are not held up by them', async () => {
    const server = replica()
    const { token } = await server.issue(caller, scopes)
    const codes = new Set<unknown>()
    for (const one of await unknownTokens()) codes.add((await refusal(server, one))?.code)
    expect(codes).toEqual(new Set(['credentials_invalid', 'too_many_requests']))
    expect(await server.verify(token)).toMatchObject({ kind: 'user' })
  })

  test('nor is a key held up that the process has not used yet, after a start and during one', async () => {
    const { token } = await replica().issue(caller, scopes)
    const unknown = await unknownTokens()
    const started = replica()
    for (const one of unknown) await refusal(started, one)
    expect(await started.verify(token)).toMatchObject({ kind: 'user' })
    const starting = replica()
    const flood = unknown.map(one => refusal(starting, one))
    expect(await starting.verify(token)).toMatchObject({ kind: 'user' })
    await Promise.all(flood)
  })
})
