import type { Database } from '../../metadata/database.ts'
import type { Access } from '../access/access.ts'
import type { Caller } from '../caller.ts'
import { readTotals } from '../totals.ts'
import { countTagsToPurge } from './queries.ts'
import { requireAccount } from './require-account.ts'

export type Overview = {
  accountId: string
  organizationCount: number
  repositoryCount: number
  tagCount: number
  storedBytes: number
  /** Served to pulls since counting began. */
  servedBytes: number
}

/** What the caller's account holds, from maintained figures. Throws `unauthenticated` or `credentials_invalid`. */
export async function readOverview(
  { db, access }: { db: Database; access: Access },
  caller: Caller,
): Promise<Overview> {
  const accountId = await requireAccount(access, caller)
  const owner = `account:${accountId}` as const
  const [totals, toPurge] = await Promise.all([readTotals(db.read, [owner]), countTagsToPurge(db.read, accountId)])
  return {
    accountId,
    organizationCount: totals(owner, 'organizations'),
    repositoryCount: totals(owner, 'repositories'),
    tagCount: Math.max(0, totals(owner, 'tags') - toPurge),
    storedBytes: totals(owner, 'bytes'),
    servedBytes: totals(owner, 'downflow'),
  }
}
