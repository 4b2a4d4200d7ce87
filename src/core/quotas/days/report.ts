import type { Database } from '../../../metadata/database.ts'
import type { Access } from '../../access/access.ts'
import type { Caller } from '../../caller.ts'
import type { Clock } from '../../clock.ts'
import { readTotals } from '../../totals.ts'
import { requireAccount } from '../require-account.ts'
import { dayOf } from './day.ts'
import { bytesByDay, type DailyKind, findStoredBefore } from './queries.ts'

export type DailyFigure = { day: number; bytes: number }

const reportedDays = 30

/**
 * The last 30 days of the caller's account, oldest first and today last, with a figure for each: of `downflow` 0 where
 * nothing was pulled; of `store` what was stored at the end of the day, as on the day before where nobody looked, and 0
 * before it was ever looked at. Throws `unauthenticated` or `credentials_invalid`.
 */
export async function readDailyReport(
  { db, access, clock }: { db: Database; access: Access; clock: Clock },
  caller: Caller,
  kind: DailyKind,
): Promise<DailyFigure[]> {
  const accountId = await requireAccount(access, caller)
  const today = dayOf(clock.nowMs())
  const fromDay = today - reportedDays + 1
  const [known, before] = await Promise.all([
    bytesByDay(db.read, { accountId, kind, fromDay }),
    kind === 'store' ? findStoredBefore(db.read, accountId, fromDay) : undefined,
  ])
  const figures: DailyFigure[] = []
  let stored = before ?? 0
  for (let day = fromDay; day <= today; day++) {
    stored = known.get(day) ?? stored
    figures.push({ day, bytes: kind === 'store' ? stored : (known.get(day) ?? 0) })
  }
  return kind === 'store' ? [...figures.slice(0, -1), { day: today, bytes: await storedNow(db, accountId) }] : figures
}

async function storedNow(db: Database, accountId: string): Promise<number> {
  const owner = `account:${accountId}` as const
  return (await readTotals(db.read, [owner]))(owner, 'bytes')
}
