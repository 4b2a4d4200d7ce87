import type { BlobStore } from '../blobstore/blobstore.ts'
import type { Clock } from '../core/clock.ts'
import { purgeRepository } from '../core/repositories/purge/purge.ts'
import type { JobHandler } from '../jobs/worker.ts'
import type { Database } from '../metadata/database.ts'

/** As with sweeping: other jobs and requests get their turn, however much a repository held. */
const partMs = 1_000
const pauseMs = 1_000

/** The job that takes away what a deleted repository held; its subject is the repository's id. */
export function purgeHandler(deps: { db: Database; store: BlobStore; clock: Clock }): JobHandler {
  return {
    deletesContent: true,
    run: async (job, signal) => {
      const run = { signal, untilMs: deps.clock.nowMs() + partMs }
      const isOver = await purgeRepository(deps, Number(job.subject), run)
      return isOver ? undefined : { inMs: pauseMs, payload: job.payload }
    },
  }
}
