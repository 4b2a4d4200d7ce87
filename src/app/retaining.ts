import { applyAllPolicies, type RetentionRound } from '../core/retention/apply-all.ts'
import { applyPolicy, type PolicyApplication } from '../core/retention/apply-policy.ts'
import type { RetentionDeps } from '../core/retention/deps.ts'
import type { JobHandler } from '../jobs/worker.ts'
import type { Metrics } from '../telemetry/metrics.ts'

export type RetainingDeps = RetentionDeps & { metrics: Metrics }

/** As with sweeping: other jobs and requests get their turn, however many tags go. */
const partMs = 1_000
const pauseMs = 1_000
/** Where nothing may be deleted now, it is asked again so much later. */
const askAgainMs = 60_000

const dayMs = 24 * 60 * 60_000

/** The job that applies every policy each day. Where it is stands in the row of the job, so that a restart goes on there. */
export function dailyRetentionHandler(deps: RetainingDeps): JobHandler {
  return {
    everyMs: dayMs,
    deletesContent: true,
    run: async (job, signal) => {
      const { after = 0, begun } = JSON.parse(job.payload) as Partial<RetentionRound>
      const round = await applyAllPolicies(deps, begun ? { after, begun } : { after }, runOf(deps, signal))
      return round === 'applied' ? undefined : nextPart(deps, round)
    },
  }
}

/** The job that goes on with a policy that was just made or changed; its subject is the policy's id. */
export function applyRetentionHandler(deps: RetainingDeps): JobHandler {
  return {
    deletesContent: true,
    run: async (job, signal) => {
      const from = JSON.parse(job.payload) as Partial<PolicyApplication>
      const isBegun = from.revision !== undefined
      const at = await applyPolicy(deps, Number(job.subject), isBegun ? (from as PolicyApplication) : undefined, {
        ...runOf(deps, signal),
      })
      return at === 'applied' ? undefined : nextPart(deps, at)
    },
  }
}

function runOf({ clock, metrics }: RetainingDeps, signal: AbortSignal) {
  return { signal, untilMs: clock.nowMs() + partMs, onRemoved: (tags: number) => metrics.countAgedTags(tags) }
}

async function nextPart({ mayDelete }: RetainingDeps, state: object) {
  return { inMs: (await mayDelete()) ? pauseMs : askAgainMs, payload: JSON.stringify(state) }
}
