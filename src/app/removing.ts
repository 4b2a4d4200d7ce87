import type { Clock } from '../core/clock.ts'
import { goOnRemoving } from '../core/manifests/removal/removal-job.ts'
import type { JobHandler } from '../jobs/worker.ts'
import type { Database } from '../metadata/database.ts'

/** As with sweeping: other jobs and requests get their turn, however much belonged to an image. */
const partMs = 1_000
const pauseMs = 1_000

/** The job that removes what belonged to an image and was too much for one transaction. */
export function removalHandler(deps: { db: Database; clock: Clock }): JobHandler {
  return {
    deletesContent: true,
    run: async (job, signal) => {
      const payload = await goOnRemoving(deps, job, { signal, untilMs: deps.clock.nowMs() + partMs })
      return payload === undefined ? undefined : { inMs: pauseMs, payload }
    },
  }
}
