import { openSwitches } from '../access/switches.ts'
import type { Target } from '../repositories/push-target.ts'
import type { RetentionDeps, RetentionRun } from './deps.ts'
import { type Application, beginApplication, planBatch } from './plan-batch.ts'
import { findPlacedPolicy, holdPolicy, type PlacedPolicyRow } from './queries.ts'
import { readyRules } from './ready-rules.ts'
import { removeBatch } from './remove-batch.ts'
import { parseRules } from './rules.ts'

/** How far this revision of a policy is applied. Plain data, kept in the row of a job. */
export type PolicyApplication = Application & { revision: number }

/** Between two transactions no more tags are looked at, so that a run can end. */
const tagsPerStep = 5_000

/**
 * Applies a policy step by step until it is applied, or has to pause: then it answers how far it came, and goes on there.
 * It may be cut anywhere and run again, and any number of processes may do the same. A policy that was changed meanwhile
 * is begun anew, and one that is gone, or whose repository is, is done with.
 */
export async function applyPolicy(
  deps: RetentionDeps,
  policyId: number,
  from: PolicyApplication | undefined,
  run: RetentionRun = {},
): Promise<'applied' | PolicyApplication> {
  const { db, clock } = deps
  const policy = await findPlacedPolicy(db.read, policyId)
  if (!policy) return 'applied'
  const target = targetOf(policy)
  const rules = parseRules(policy.rules)
  const ready = await readyRules(rules)
  const { revision, repository_id: repositoryId } = policy
  let at: Application = from?.revision === revision ? from : beginApplication(ready)
  while (await mayGoOn(deps, run)) {
    const nowMs = clock.nowMs()
    const batch = await planBatch(db.read, { repositoryId, rules: ready }, at, { nowMs, mostTags: tagsPerStep })
    await deps.atRetentionStep?.('batch-planned')
    if (batch.due.length > 0) {
      const removed = await db.write(async tx => {
        if (!(await holdPolicy(tx, db.engine, { id: policyId, revision }))) return 'stale'
        return removeBatch(tx, db.engine, { policyId, rules, target, batch, origin: jobOrigin, nowMs })
      })
      // What became of it is found by looking again.
      if (removed === 'stale') return applyPolicy(deps, policyId, undefined, run)
      run.onRemoved?.(removed)
      await deps.atRetentionStep?.('batch-removed')
    }
    if (!batch.next) return 'applied'
    at = batch.next
  }
  return { ...at, revision }
}

const jobOrigin = { requestId: 'job', sourceAddress: '' }

async function mayGoOn({ clock, mayDelete }: RetentionDeps, { untilMs, signal }: RetentionRun): Promise<boolean> {
  if (signal?.aborted || (untilMs !== undefined && clock.nowMs() >= untilMs)) return false
  return mayDelete()
}

function targetOf(policy: PlacedPolicyRow): Target {
  return {
    repositoryId: policy.repository_id,
    organizationId: policy.organization_id,
    accountId: policy.account_id,
    path: `${policy.organization}/${policy.repository}`,
    // Nothing is added.
    quotas: openSwitches.quotas,
  }
}
