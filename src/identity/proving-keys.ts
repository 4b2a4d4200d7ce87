import { randomBytes } from 'node:crypto'
import { sealSecretKey, unsealSecretKey } from '../core/accounts/access-keys.ts'
import type { AccountsDeps } from '../core/accounts/deps.ts'
import { type KeyRow, keyQuery } from '../core/accounts/keys/queries.ts'
import type { UserCaller } from '../core/caller.ts'

/** The key that a signature or a docker login names. */
export type ProvingKey = {
  id: string
  /** Of a key that doesn't count, or is only a token, a random one that nobody knows. */
  secret: string
  /** Undefined for one that is unknown, disabled or expired: nothing held against it may hold. */
  caller: UserCaller | undefined
  /** SHA-256 of the token that belongs to it; undefined where none does. */
  tokenHash: Uint8Array | undefined
  /** A token logs in by itself, and signs nothing. */
  isToken: boolean
}

/** Finds keys. One that does not count costs the same query and the same opening of a sealed secret as one that does. */
export function openProvingKeys({
  db,
  clock,
  sealer,
}: Pick<AccountsDeps, 'db' | 'clock' | 'sealer'>): (id: string) => Promise<ProvingKey> {
  const query = keyQuery(db)
  const nobodys = { id: '', secret: randomBytes(20).toString('hex') }
  const nobodysSealed = sealSecretKey(sealer, nobodys)
  return async id => {
    const [row] = await query([id, clock.nowMs()])
    const secret = unsealSecretKey(
      sealer,
      row?.sealed_secret
        ? { id: row.id, sealedSecret: row.sealed_secret }
        : { ...nobodys, sealedSecret: nobodysSealed },
    )
    return {
      id,
      secret,
      caller: row && callerOf(row),
      tokenHash: row?.token_hash ?? undefined,
      isToken: row !== undefined && row.sealed_secret === null,
    }
  }
}

function callerOf(row: KeyRow): UserCaller {
  const isTemporary = row.is_temporary === 1
  return {
    kind: 'user',
    userId: row.user_id,
    userName: row.user_name,
    accountId: row.account_id,
    accountName: row.account_name,
    userEpoch: row.user_epoch,
    accessKey: { id: row.id, epoch: row.key_epoch, ...(isTemporary ? { parentId: row.parent_id } : {}) },
    ...(row.expires_ms === null ? {} : { expiresMs: row.expires_ms }),
  }
}
