import { createHash, randomBytes } from 'node:crypto'
import type { Access } from '../access/access.ts'
import type { Actor, KeyOfCaller, Requester, UserCaller } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { recordEvent } from '../events.ts'
import { newAccessKey, sealSecretKey } from './access-keys.ts'
import type { AccountsDeps } from './deps.ts'
import { deleteTemporaryKey, holdTemporaryKey, insertTemporaryKey } from './keys/queries.ts'
import { randomAccessKeyId } from './random.ts'

/** What commands that make keys with an end are given. */
export type TemporaryKeyDeps = Pick<AccountsDeps, 'db' | 'clock' | 'sealer'> & { access: Access }

/** SWR API and IAM API: how long a key with an end may be asked to last. */
export const shortestLifeMs = 900_000
export const longestLifeMs = 86_400_000

/** A temporary access key as it is handed out, this once. */
export type TemporaryKey = { id: string; secret: string; securityToken: string; expiresMs: number }

/**
 * An access key that signs requests together with its security token, in the name of the caller. It is void with the key
 * that the caller proved itself with. Throws `denied` where that one is temporary, so that none can renew itself, and
 * what `Access.require` throws.
 */
export async function createTemporaryKey(
  deps: TemporaryKeyDeps,
  by: Requester & { caller: UserCaller },
  lifeMs: number,
): Promise<TemporaryKey> {
  refuseByTemporaryKey(by.caller)
  const key = newAccessKey()
  const securityToken = randomBytes(48).toString('base64url')
  const sealedSecret = sealSecretKey(deps.sealer, key)
  const row = { id: key.id, sealedSecret, tokenHash: hashOfToken(securityToken), kind: 'security-token' }
  return { ...key, securityToken, expiresMs: await addTemporaryKey(deps, by, row, lifeMs) }
}

/**
 * A key that only docker logs in with: nobody is told its secret key, and so it signs nothing. It is void with the key
 * that the caller proved itself with, and ends with it at the latest. Throws what `Access.require` throws.
 */
export async function createDockerKey(
  deps: TemporaryKeyDeps,
  by: Requester & { caller: UserCaller },
  lifeMs: number,
): Promise<Omit<TemporaryKey, 'securityToken'>> {
  const key = newAccessKey()
  const row = { id: key.id, sealedSecret: sealSecretKey(deps.sealer, key), tokenHash: null, kind: 'docker' }
  return { ...key, expiresMs: await addTemporaryKey(deps, by, row, lifeMs) }
}

/** A token that docker logs in with, under an id by which it can be revoked. As `createDockerKey`. */
export async function createBearerToken(
  deps: TemporaryKeyDeps,
  by: Requester & { caller: UserCaller },
  lifeMs: number,
): Promise<{ id: string; token: string; expiresMs: number }> {
  const id = randomAccessKeyId()
  const token = randomBytes(32).toString('hex')
  const row = { id, sealedSecret: null, tokenHash: hashOfToken(token), kind: 'bearer' }
  return { id, token, expiresMs: await addTemporaryKey(deps, by, row, lifeMs) }
}

/** What is made with the key is void at once. Throws `access_key_unknown`. */
export async function revokeTemporaryKey(
  { db, clock }: Pick<AccountsDeps, 'db' | 'clock'>,
  by: Requester<Actor>,
  key: { accountId: string; id: string },
): Promise<void> {
  const atMs = clock.nowMs()
  await db.write(async tx => {
    const userId = await deleteTemporaryKey(tx, key)
    if (userId === undefined) {
      const message = `there is no login ${key.id} with an end in this account`
      throw new DomainError('access_key_unknown', message, { accessKey: key.id })
    }
    const detail = { accessKey: key.id, userId }
    await recordEvent(tx, by, { kind: 'temporary-key.revoked', atMs, accountId: key.accountId, detail })
  })
}

/** Who proved itself with a temporary key makes no other that outlasts it. Throws `denied`. */
export function refuseByTemporaryKey({ accessKey }: UserCaller): void {
  if (accessKey?.parentId === undefined) return
  throw new DomainError('denied', 'a temporary key makes no other one: use the access key, or log in')
}

/** What the store keeps of a token. */
export function hashOfToken(token: string): Uint8Array {
  return createHash('sha256').update(token).digest()
}

/** Answers when it ends. */
async function addTemporaryKey(
  { db, clock, access }: TemporaryKeyDeps,
  by: Requester & { caller: UserCaller },
  key: { id: string; sealedSecret: Uint8Array | null; tokenHash: Uint8Array | null; kind: string },
  lifeMs: number,
): Promise<number> {
  const { caller } = by
  await access.require(caller, 'login.create')
  const nowMs = clock.nowMs()
  const expiresMs = Math.min(nowMs + lifeMs, caller.expiresMs ?? Number.POSITIVE_INFINITY)
  const origin = originOf(caller.accessKey)
  const row = {
    id: key.id,
    user_id: caller.userId,
    user_epoch: caller.userEpoch,
    ...origin,
    sealed_secret: key.sealedSecret,
    token_hash: key.tokenHash,
    created_ms: nowMs,
    expires_ms: expiresMs,
  }
  await db.write(
    async tx => {
      if (origin.made_with !== null && !(await holdTemporaryKey(db.engine, tx, origin.made_with))) {
        throw new DomainError('credentials_invalid', 'the key was revoked: log in again')
      }
      if (!(await insertTemporaryKey(tx, row))) throw new DomainError('unavailable', 'an id was taken: try again')
      const detail = { accessKey: key.id, userId: caller.userId, kind: key.kind, expiresMs }
      await recordEvent(tx, by, { kind: 'temporary-key.created', atMs: nowMs, accountId: caller.accountId, detail })
    },
    // One that a power cut takes back is one more login; that it is revoked must last.
    { survives: 'crash' },
  )
  return expiresMs
}

/** What the new key goes with. */
function originOf(key: KeyOfCaller | undefined) {
  if (key === undefined) return { parent_id: null, parent_epoch: null, made_with: null }
  if (key.parentId === undefined) return { parent_id: key.id, parent_epoch: key.epoch, made_with: null }
  return { parent_id: key.parentId, parent_epoch: key.parentId === null ? null : key.epoch, made_with: key.id }
}
