import type { AccountsDeps } from '../core/accounts/deps.ts'
import { deleteExpiredSignatures, upsertUsedSignature } from '../core/accounts/keys/queries.ts'
import { DomainError } from '../core/errors.ts'
import { mostSkewMs } from '../protocol/auth/signing/signed-time.ts'

/** Keeps a signed request from being sent again by someone who saw it. */
export type ReplayGuard = {
  /** Notes a signature that holds. Throws `credentials_invalid` where it was used before, and not just now. */
  use: (signature: Uint8Array, signedMs: number) => Promise<void>
}

/** Without a guard a signature holds as long as its time does. */
export const noReplayGuard: ReplayGuard = { use: async () => {} }

/**
 * Signers know no random part: two equal requests of one second have one signature. gophertelekomcloud sends the first
 * page of a list twice, and clients repeat what a proxy answered with 502, so a repeat is taken for so long.
 */
const repeatMs = 5_000
/** Each new one takes so many old ones away, so that the table holds what may still be repeated and little more. */
const removedByEach = 2

/** One row for all replicas: of requests that come at once with one signature, one is the first. */
export function openReplayGuard({ db, clock }: Pick<AccountsDeps, 'db' | 'clock'>): ReplayGuard {
  return {
    use: async (signature, signedMs) => {
      const nowMs = clock.nowMs()
      const row = { signature, first_ms: nowMs, expires_ms: signedMs + mostSkewMs + repeatMs }
      const firstMs = await db.write(
        async tx => {
          await deleteExpiredSignatures(db.engine, tx, { nowMs, limit: removedByEach })
          return upsertUsedSignature(tx, row)
        },
        { survives: 'crash' },
      )
      if (nowMs - firstMs <= repeatMs) return
      throw new DomainError('credentials_invalid', 'this request was sent before: sign it anew', { proof: 'signature' })
    },
  }
}
