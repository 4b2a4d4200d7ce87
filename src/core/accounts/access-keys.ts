import type { Transaction } from '../../metadata/database.ts'
import type { Actor, Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { recordEvent } from '../events.ts'
import type { AccountsDeps } from './deps.ts'
import { deleteAccessKeyRow, describeAccessKey, insertAccessKey, type User, updateAccessKey } from './queries.ts'
import { randomAccessKeyId, randomSecretKey } from './random.ts'

/** An access key as it is handed out, this once. */
export type NewAccessKey = { id: string; secret: string }

/** Makes an access key of a user. */
export async function createAccessKey(
  { db, clock, sealer }: Pick<AccountsDeps, 'db' | 'clock' | 'sealer'>,
  by: Requester<Actor>,
  user: User,
  description = '',
): Promise<NewAccessKey & { createdMs: number }> {
  const key = newAccessKey()
  const sealedSecret = sealSecretKey(sealer, key)
  const nowMs = clock.nowMs()
  await db.write(tx => addAccessKey(tx, by, { user, id: key.id, sealedSecret, nowMs, description }))
  return { ...key, createdMs: nowMs }
}

/** Signatures, logins and tokens made with the key are void at once. Throws `access_key_unknown`. */
export async function disableAccessKey(
  deps: Pick<AccountsDeps, 'db' | 'clock'>,
  by: Requester<Actor>,
  key: { accountId: string; id: string },
): Promise<void> {
  await changeAccessKey(deps, by, { key, change: { isEnabled: false } })
}

/** The key counts again; tokens made with it before stay void. Throws `access_key_unknown`. */
export async function enableAccessKey(
  deps: Pick<AccountsDeps, 'db' | 'clock'>,
  by: Requester<Actor>,
  key: { accountId: string; id: string },
): Promise<void> {
  await changeAccessKey(deps, by, { key, change: { isEnabled: true } })
}

export function newAccessKey(): NewAccessKey {
  return { id: randomAccessKeyId(), secret: randomSecretKey() }
}

/** A secret key opens only for the access key it belongs to. */
export function sealSecretKey(sealer: AccountsDeps['sealer'], key: NewAccessKey): Uint8Array {
  return sealer.seal(new TextEncoder().encode(key.secret), sealPurpose(key.id))
}

/** Throws `unavailable` where the row was tampered with. */
export function unsealSecretKey(sealer: AccountsDeps['sealer'], key: { id: string; sealedSecret: Uint8Array }): string {
  return new TextDecoder().decode(sealer.unseal(key.sealedSecret, sealPurpose(key.id)))
}

/** What is left out stays; all in one transaction. Throws `access_key_unknown`. */
export async function changeAccessKey(
  { db, clock }: Pick<AccountsDeps, 'db' | 'clock'>,
  by: Requester<Actor>,
  { key, change }: { key: KeyName; change: { isEnabled?: boolean | undefined; description?: string | undefined } },
): Promise<void> {
  const { isEnabled, description } = change
  const atMs = clock.nowMs()
  await db.write(async tx => {
    if (isEnabled !== undefined) {
      const userId = await updateAccessKey(tx, key, isEnabled)
      if (userId === undefined) throw accessKeyUnknown(key.id)
      const kind = isEnabled ? 'access-key.enabled' : 'access-key.disabled'
      await recordEvent(tx, by, { kind, atMs, accountId: key.accountId, detail: { accessKey: key.id, userId } })
    }
    if (description !== undefined) {
      if (!(await describeAccessKey(tx, key, description))) throw accessKeyUnknown(key.id)
      const kind = 'access-key.updated'
      await recordEvent(tx, by, { kind, atMs, accountId: key.accountId, detail: { accessKey: key.id } })
    }
  })
}

/** Signatures, logins and tokens made with the key are void at once, for good. Throws `access_key_unknown`. */
export async function deleteAccessKey(
  { db, clock }: Pick<AccountsDeps, 'db' | 'clock'>,
  by: Requester<Actor>,
  key: KeyName,
): Promise<void> {
  const atMs = clock.nowMs()
  await db.write(async tx => {
    if (!(await deleteAccessKeyRow(tx, key))) throw accessKeyUnknown(key.id)
    const kind = 'access-key.deleted'
    await recordEvent(tx, by, { kind, atMs, accountId: key.accountId, detail: { accessKey: key.id } })
  })
}

/** A key is looked for in its owner's account only. */
type KeyName = { accountId: string; id: string }

/** Part of a larger change. Throws `parameter_invalid` when the key's id is taken. */
export async function addAccessKey(
  tx: Transaction,
  by: Requester<Actor>,
  key: {
    user: Pick<User, 'id' | 'accountId'>
    id: string
    sealedSecret: Uint8Array
    nowMs: number
    description?: string
  },
): Promise<void> {
  const isNew = await insertAccessKey(tx, {
    id: key.id,
    user_id: key.user.id,
    sealed_secret: key.sealedSecret,
    is_enabled: 1,
    epoch: 1,
    created_ms: key.nowMs,
    description: key.description ?? '',
  })
  if (!isNew) throw new DomainError('parameter_invalid', `there is an access key ${key.id} already: choose another`)
  await recordEvent(tx, by, {
    kind: 'access-key.created',
    atMs: key.nowMs,
    accountId: key.user.accountId,
    detail: { accessKey: key.id, userId: key.user.id },
  })
}

function sealPurpose(accessKeyId: string): string {
  return `access-key ${accessKeyId}`
}

function accessKeyUnknown(id: string): DomainError {
  return new DomainError('access_key_unknown', `there is no access key ${id} in this account`, { accessKey: id })
}
