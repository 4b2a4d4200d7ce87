import type { Database, Reader } from '../../metadata/database.ts'
import type { Actor, Requester } from '../caller.ts'
import type { Clock } from '../clock.ts'
import { DomainError } from '../errors.ts'
import { recordEvent } from '../events.ts'
import { deleteMaintenance, findMaintenance, upsertMaintenance } from './queries.ts'
import type { Maintenance } from './switches.ts'

/** As much as fits into an error that clients print. */
const longestReason = 500

/** Makes the registry read-only, or changes the reason. Throws `parameter_invalid`. */
export async function beginMaintenance(
  { db, clock }: { db: Database; clock: Clock },
  by: Requester<Actor>,
  reason: string,
): Promise<Maintenance> {
  if (!/^[^\p{Cc}]{1,500}$/u.test(reason) || !reason.isWellFormed()) {
    throw new DomainError('parameter_invalid', `a reason is one line of 1 to ${longestReason} characters`)
  }
  const nowMs = clock.nowMs()
  return db.write(async tx => {
    const known = await findMaintenance(tx)
    const maintenance = { reason, sinceMs: known?.sinceMs ?? nowMs }
    await upsertMaintenance(tx, maintenance)
    await recordEvent(tx, by, { kind: 'maintenance.began', atMs: nowMs, accountId: '', detail: { reason } })
    return maintenance
  })
}

/** Takes changes again; false when they were taken already. */
export async function endMaintenance(
  { db, clock }: { db: Database; clock: Clock },
  by: Requester<Actor>,
): Promise<boolean> {
  return db.write(async tx => {
    if (!(await deleteMaintenance(tx))) return false
    await recordEvent(tx, by, { kind: 'maintenance.ended', atMs: clock.nowMs(), accountId: '' })
    return true
  })
}

export async function readMaintenance(db: Reader): Promise<Maintenance | undefined> {
  return findMaintenance(db)
}
