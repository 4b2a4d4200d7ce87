import { isDomainError } from '../errors.ts'
import { applyPolicy, type PolicyApplication } from './apply-policy.ts'
import type { RetentionDeps, RetentionRun } from './deps.ts'
import { listPlacedPolicies } from './queries.ts'

/** How far a round over all policies came: behind which one, and how far the next one is applied if it was begun. */
export type RetentionRound = { after: number; begun?: { policyId: number; at: PolicyApplication } }

const policiesPerPage = 100

/** Applies one policy after the other until all are, or it has to pause: then it answers where it goes on. */
export async function applyAllPolicies(
  deps: RetentionDeps,
  from: RetentionRound,
  run: RetentionRun = {},
): Promise<'applied' | RetentionRound> {
  let round = from
  for (;;) {
    const { after, begun } = round
    const page = await listPlacedPolicies(deps.db.read, { after, limit: policiesPerPage })
    for (const { id } of page) {
      const at = begun?.policyId === id ? begun.at : undefined
      const done = await applyOne(deps, id, at, run)
      if (done !== 'applied') return { after: round.after, begun: { policyId: id, at: done } }
      round = { after: id }
    }
    if (page.length < policiesPerPage) return 'applied'
  }
}

/** One that fails by itself holds up no other; what all would fail by ends the round. */
async function applyOne(
  deps: RetentionDeps,
  policyId: number,
  at: PolicyApplication | undefined,
  run: RetentionRun,
): Promise<'applied' | PolicyApplication> {
  try {
    return await applyPolicy(deps, policyId, at, run)
  } catch (error) {
    if (isDomainError(error, 'unavailable', 'storage_full')) throw error
    deps.onFailure(error, policyId)
    return 'applied'
  }
}
