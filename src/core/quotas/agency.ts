import type { Database } from '../../metadata/database.ts'
import type { Access } from '../access/access.ts'
import type { Caller, Requester } from '../caller.ts'
import type { Clock } from '../clock.ts'
import { DomainError } from '../errors.ts'
import { actorOf, recordEvent } from '../events.ts'
import { hasAgency, insertAgency } from './queries.ts'
import { requireAccount } from './require-account.ts'

/**
 * The agency of an account: its administrator's word, given once, that the registry may act for the account elsewhere
 * (docs/decisions/018). Throws `unauthenticated` or `credentials_invalid`.
 */
export async function readAgency(
  { db, access }: { db: Database; access: Access },
  caller: Caller,
): Promise<{ accountId: string; isAuthorized: boolean }> {
  const accountId = await requireAccount(access, caller)
  return { accountId, isAuthorized: await hasAgency(db.read, accountId) }
}

/** Throws `agency_exists` when it is there already, and what `Access.require` throws. */
export async function authorizeAgency(
  { db, access, clock }: { db: Database; access: Access; clock: Clock },
  by: Requester,
): Promise<void> {
  const accountId = await requireAccount(access, by.caller, 'account.authorize')
  const { id, name } = actorOf(by)
  const atMs = clock.nowMs()
  await db.write(async tx => {
    const row = { account_id: accountId, authorized_by: id, authorized_ms: atMs }
    if (!(await insertAgency(tx, row))) {
      throw new DomainError('agency_exists', 'the account has authorized the registry already')
    }
    await recordEvent(tx, by, { kind: 'account.agency-authorized', atMs, accountId, detail: { user: name } })
  })
}
