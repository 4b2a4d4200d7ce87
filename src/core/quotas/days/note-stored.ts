import type { Database } from '../../../metadata/database.ts'
import type { Clock } from '../../clock.ts'
import { readTotals, type TotalOwner } from '../../totals.ts'
import { dayOf } from './day.ts'
import { pageOfAccounts, setStored } from './queries.ts'

const accountsPerPage = 500

/**
 * Notes what every account stores as the figure of today, and may be run at any time: what is noted last on a day is what
 * reports show of it.
 */
export async function noteStored({ db, clock }: { db: Database; clock: Clock }, signal?: AbortSignal): Promise<void> {
  for (let after = ''; !signal?.aborted; ) {
    const ids = await pageOfAccounts(db.read, { after, limit: accountsPerPage })
    const last = ids.at(-1)
    if (last === undefined) return
    const day = dayOf(clock.nowMs())
    await db.write(
      async tx => {
        const totals = await readTotals(tx, ids.map(ownerOf))
        const stored = ids.map(accountId => ({ accountId, bytes: totals(ownerOf(accountId), 'bytes') }))
        await setStored(tx, day, stored)
      },
      { survives: 'crash' },
    )
    after = last
  }
}

function ownerOf(accountId: string): TotalOwner {
  return `account:${accountId}`
}
