import type { Database } from '../../../metadata/database.ts'
import { holdRepository } from '../../access/holding/queries.ts'
import type { Actor, Requester } from '../../caller.ts'
import type { Clock } from '../../clock.ts'
import type { Target } from '../../repositories/push-target.ts'
import { updateRemovalJob } from './queries.ts'
import { removeUnnamed } from './remove-unnamed.ts'

/** The kind of the jobs that remove what was too much for one transaction. */
export const removalKind = 'image.remove'

/** What such a job knows: for whom it removes, where, and what may still have to go. */
export type RemovalState = { by: Requester<Actor>; target: Target; waiting: readonly Uint8Array[] }

/** As a job's row has it. */
export function writeState({ by, target, waiting }: RemovalState): string {
  return JSON.stringify({ by, target, waiting: waiting.map(digest => digest.toHex()) })
}

function readState(payload: string): RemovalState {
  const state = JSON.parse(payload) as { by: Requester<Actor>; target: Target; waiting: readonly string[] }
  return { ...state, waiting: state.waiting.map(hex => Uint8Array.fromHex(hex)) }
}

export type RemovalRun = {
  /** No transaction is begun after this time. */
  untilMs?: number
  signal?: AbortSignal
}

/**
 * Goes on with a removal; the payload to go on with after it, undefined when nothing is left. What is left is written down
 * by the transaction that removes the rest, so it may be cut and run again at any point.
 */
export async function goOnRemoving(
  { db, clock }: { db: Database; clock: Clock },
  job: { subject: string; payload: string },
  { untilMs, signal }: RemovalRun = {},
): Promise<string | undefined> {
  const state = readState(job.payload)
  const { by, target } = state
  let { waiting } = state
  let { payload } = job
  while (waiting.length > 0) {
    if (signal?.aborted || (untilMs !== undefined && clock.nowMs() >= untilMs)) return payload
    ;({ waiting, payload } = await db.write(async tx => {
      const isLive = (await holdRepository(tx, db.engine, target.repositoryId)) !== undefined
      // What a deleted repository held is purged anyway.
      const left = isLive ? await removeUnnamed(tx, by, { target, nowMs: clock.nowMs(), waiting }) : []
      const written = writeState({ ...state, waiting: left })
      await updateRemovalJob(tx, { kind: removalKind, subject: job.subject, payload: written })
      return { waiting: left, payload: written }
    }))
  }
  return undefined
}
