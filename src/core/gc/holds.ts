import { randomUUID } from 'node:crypto'
import type { Database } from '../../metadata/database.ts'
import type { Clock } from '../clock.ts'
import type { SweepDeps } from './deps.ts'
import { deleteHold, findHold, upsertHold } from './queries.ts'

/** Long enough for a large database to be copied in one go; what a killed holder leaves ends by itself. */
const holdMs = 60 * 60_000
const renewEveryMs = 60_000

/**
 * Keeps all content where it is until disposed, for whoever copies the database first and the bytes after. What was
 * present when the hold had been set stays readable at the place that its row named then, whatever becomes of the row.
 */
export async function holdContent(deps: { db: Database; clock: Clock }, reason: string): Promise<AsyncDisposable> {
  const { db, clock } = deps
  const id = randomUUID()
  const renew = () => db.write(tx => upsertHold(tx, { id, reason, until_ms: clock.nowMs() + holdMs }))
  await renew()
  // A renewal that fails leaves the hold to run out; bytes that went are then missed by the one who copies them.
  const renewal = setInterval(() => void renew().catch(() => {}), renewEveryMs)
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(renewal)
      await db.write(tx => deleteHold(tx, id, clock.nowMs()))
    },
  }
}

/**
 * Whether bytes may go now. The answer is good for what was condemned, or known to be nobody's, before it was asked for.
 */
export async function mayContentGo(deps: Pick<SweepDeps, 'db' | 'clock' | 'mayDelete'>): Promise<boolean> {
  return (await deps.mayDelete()) && (await findHold(deps.db.read, deps.clock.nowMs())) === undefined
}
