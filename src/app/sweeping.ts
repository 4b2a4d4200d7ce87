import type { SweepDeps } from '../core/gc/deps.ts'
import { runSweep } from '../core/gc/run-sweep.ts'
import { beginSweep, type SweepState, type SweepSums, sweptKinds } from '../core/gc/sweep.ts'
import type { JobHandler } from '../jobs/worker.ts'
import { digestFromBytes } from '../protocol/oci/digest.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/**
 * A part of a sweep takes so long, and the next one follows so much later: the other jobs get their turn, and a walk over
 * a hundred million links costs a fifth of a core for some hours rather than a whole one at once.
 */
const partMs = 1_000
const pauseMs = 4_000
/** Where nothing may be deleted now, it is asked again so much later. */
const askAgainMs = 60_000
/** Of blobs without bytes that one sweep finds, so many are named in the log; the metric counts all. */
const mostNamed = 100

/** The job that sweeps, again and again. Where it is stands in the row of the job, so that a restart goes on there. */
export function sweepHandler(
  deps: Omit<SweepDeps, 'onFailure'> & { intervalMs: number; logger: Logger; metrics: Metrics },
): JobHandler {
  const { clock, logger, metrics } = deps
  const sweepDeps: SweepDeps = {
    ...deps,
    onFailure: (error, location) => logger.error({ error, location }, 'content could not be removed'),
  }
  return {
    everyMs: deps.intervalMs,
    run: async (job, signal) => {
      const from = readState(job.payload) ?? beginSweep(clock.nowMs())
      if (!(await deps.mayDelete())) return { inMs: askAgainMs, payload: JSON.stringify(from) }
      let named = from.done.missing
      const { state, isOver } = await runSweep(sweepDeps, from, {
        untilMs: clock.nowMs() + partMs,
        signal,
        onStep: (kind, { removed, removedBytes, missing }) => {
          metrics.countSwept(kind, removed, removedBytes)
          for (const { digest, location } of missing) {
            if (named++ >= mostNamed) break
            const fields = { digest: digestFromBytes(digest), location }
            logger.error(fields, 'the bytes of a blob are missing: restore them from a backup, or push the blob again')
          }
        },
      })
      if (!isOver) return { inMs: pauseMs, payload: JSON.stringify(state) }
      const seconds = (clock.nowMs() - state.begunMs) / 1000
      metrics.setSweep({ endedMs: clock.nowMs(), seconds, missing: state.done.missing })
      report(logger, state.done, seconds)
      return undefined
    },
  }
}

/** What an interrupted sweep left in its job's row; undefined where a new one begins. */
function readState(payload: string): SweepState | undefined {
  const state = JSON.parse(payload) as Partial<SweepState>
  return state.kind !== undefined && sweptKinds.includes(state.kind) ? (state as SweepState) : undefined
}

function report(logger: Logger, done: SweepSums, seconds: number): void {
  const { removed, left, missing, foreign } = done
  const objects = sweptKinds.reduce((sum, kind) => sum + removed[kind].objects, 0)
  const bytes = sweptKinds.reduce((sum, kind) => sum + removed[kind].bytes, 0)
  if (objects > 0 || left > 0) logger.info({ removed, bytes, left, seconds }, 'swept')
  if (missing > 0) logger.error({ missing }, 'blobs lack their bytes')
  if (foreign > 0) {
    logger.warn({ foreign }, 'the blob store holds content older than this installation; nothing of it is touched')
  }
}
