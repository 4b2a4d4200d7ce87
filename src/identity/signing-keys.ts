import { randomBytes } from 'node:crypto'
import { type CryptoKey, exportJWK, exportPKCS8, generateKeyPair, importJWK, importPKCS8 } from 'jose'
import type { AccountsDeps, Sealer } from '../core/accounts/deps.ts'
import {
  deleteExpiredSigningKeys,
  findSigningKeyInUse,
  findVerifyingKeys,
  insertSigningKey,
} from '../core/accounts/proofs/queries.ts'
import { DomainError } from '../core/errors.ts'
import { BoundedMemory } from './bounded-memory.ts'

/** The one algorithm that docker tokens are signed with, whatever a token says of itself. */
export const signingAlgorithm = 'ES256'

const dayMs = 24 * 3_600_000
const signsForMs = 30 * dayMs

/** Longer than any docker token lives (`tokens.docker_life` is at most 24 h), leeway included. */
const acceptedAfterMs = dayMs + 3_600_000

/** An id that is not known has all keys read, which are few; so often in a second, and no more. */
const mostLoadsPerSecond = 20
/** Each signs for a month, and replicas that start at once make one each. */
const mostKnown = 64

/** The keys of docker tokens, shared by all replicas through the store, their private halves sealed. */
export type SigningKeys = {
  /** The key to sign with now. Made when there is none; replicas that make one at once then have one each, and both count. */
  current: () => Promise<{ id: string; privateKey: CryptoKey }>
  /** The public half of a key of our own store whose tokens still count; undefined for every other id. */
  find: (id: string) => Promise<CryptoKey | undefined>
  /** For a job: removes keys whose tokens have all expired, and answers how many it were. */
  deleteExpired: () => Promise<number>
}

export function openSigningKeys({
  db,
  clock,
  sealer,
}: Pick<AccountsDeps, 'db' | 'clock'> & { sealer: Sealer }): SigningKeys {
  const known = new BoundedMemory<string, { publicKey: CryptoKey; expiresMs: number }>(mostKnown)
  let signing: { id: string; privateKey: CryptoKey; untilMs: number } | undefined
  let obtaining: Promise<{ id: string; privateKey: CryptoKey }> | undefined
  let loading: Promise<void> | undefined
  const mayLoad = bucket(mostLoadsPerSecond)

  const remember = async (row: VerifyingKey) => {
    if (row.algorithm !== signingAlgorithm || known.get(row.id)) return
    const publicKey = (await importJWK(JSON.parse(row.public_jwk), signingAlgorithm)) as CryptoKey
    known.set(row.id, { publicKey, expiresMs: row.expires_ms })
  }

  const obtain = async () => {
    const row = (await findSigningKeyInUse(db.read, clock.nowMs())) ?? (await makeKey())
    await remember(row)
    const pem = new TextDecoder().decode(sealer.unseal(row.sealed_private_key, sealPurpose(row.id)))
    signing = { id: row.id, privateKey: await importPKCS8(pem, signingAlgorithm), untilMs: row.signs_until_ms }
    return signing
  }

  const makeKey = async () => {
    const { publicKey, privateKey } = await generateKeyPair(signingAlgorithm, { extractable: true })
    const id = randomBytes(16).toString('base64url')
    const nowMs = clock.nowMs()
    const row = {
      id,
      algorithm: signingAlgorithm,
      sealed_private_key: sealer.seal(new TextEncoder().encode(await exportPKCS8(privateKey)), sealPurpose(id)),
      public_jwk: JSON.stringify(await exportJWK(publicKey)),
      created_ms: nowMs,
      signs_until_ms: nowMs + signsForMs,
      expires_ms: nowMs + signsForMs + acceptedAfterMs,
    }
    await db.write(tx => insertSigningKey(tx, row))
    return row
  }

  const load = async () => {
    for (const row of await findVerifyingKeys(db.read, { nowMs: clock.nowMs(), limit: mostKnown })) await remember(row)
  }

  const find = async (id: string): Promise<CryptoKey | undefined> => {
    // What is being read may bring the key, and whoever made one since has it read once more.
    if (!known.get(id)) await loading
    if (!known.get(id)) {
      if (!loading && !mayLoad(clock.nowMs()))
        throw new DomainError('too_many_requests', 'too many tokens of unknown keys: try again in a second')
      loading ??= load().finally(() => {
        loading = undefined
      })
      await loading
    }
    const kept = known.get(id)
    return kept && clock.nowMs() < kept.expiresMs ? kept.publicKey : undefined
  }

  return {
    current: async () => {
      if (signing && clock.nowMs() < signing.untilMs) return signing
      obtaining ??= obtain().finally(() => {
        obtaining = undefined
      })
      return obtaining
    },
    find,
    deleteExpired: () => {
      const nowMs = clock.nowMs()
      return db.write(tx => deleteExpiredSigningKeys(tx, nowMs))
    },
  }
}

type VerifyingKey = Awaited<ReturnType<typeof findVerifyingKeys>>[number]

function sealPurpose(keyId: string): string {
  return `signing-key ${keyId}`
}

/** True at most `perSecond` times in each second. */
function bucket(perSecond: number): (nowMs: number) => boolean {
  let second = 0
  let taken = 0
  return nowMs => {
    const now = Math.floor(nowMs / 1000)
    if (now !== second) {
      second = now
      taken = 0
    }
    taken += 1
    return taken <= perSecond
  }
}
