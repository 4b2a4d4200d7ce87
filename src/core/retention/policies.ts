import type { Transaction } from '../../metadata/database.ts'
import type { Place } from '../access/queries.ts'
import type { Caller, Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { actorOf, type EventKind, recordEvent } from '../events.ts'
import type { Deps, ReadDeps } from '../organizations/deps.ts'
import { repositoryOf } from '../organizations/place.ts'
import { deletedMeanwhile, requireRepository, type Target } from '../repositories/push-target.ts'
import { isLive } from '../repositories/queries.ts'
import { type Application, beginApplication, planBatch } from './plan-batch.ts'
import { deletePolicy, findPolicyOf, insertApplyJob, insertPolicy, updatePolicy } from './queries.ts'
import { readyRules } from './ready-rules.ts'
import { removeBatch } from './remove-batch.ts'
import { parseRules, type RetentionRule } from './rules.ts'

export type RetentionPolicy = { id: number; rules: readonly RetentionRule[] }

/** What one request looks at before it leaves the rest of a large repository to the job. */
const tagsPerRequest = 1_000

/**
 * Gives the repository a policy and applies it, all in one transaction; what is too much for a request is done by a job
 * that begins at once. Throws `retention_exists` (one policy per repository), `parameter_invalid` for a pattern that is
 * none, and what `Access.require` throws.
 */
export async function createPolicy(
  deps: Deps,
  by: Requester,
  { place, rules }: { place: Required<Place>; rules: readonly RetentionRule[] },
): Promise<number> {
  const target = await requireRepository(deps, by, place, 'retention.change')
  const creator = actorOf(by)
  return applyWith(deps, by, { target, rules }, async (tx, nowMs) => {
    const id = await insertPolicy(tx, {
      repository_id: target.repositoryId,
      rules: JSON.stringify(rules),
      revision: 1,
      creator_id: creator.id,
      creator_name: creator.name,
      created_ms: nowMs,
      updated_ms: nowMs,
    })
    if (id === undefined) {
      throw new DomainError('retention_exists', `${target.path} has a retention policy: change it, or delete it first`)
    }
    await recordPolicyEvent(tx, by, { kind: 'retention.created', target, id, nowMs })
    return { id, revision: 1 }
  })
}

/**
 * Gives a policy other rules and applies them, as `createPolicy` does. Of what kind each rule is stays as it was
 * (`parameter_invalid`). Throws `retention_unknown` and what `createPolicy` throws.
 */
export async function changePolicy(
  deps: Deps,
  by: Requester,
  { place, id, rules }: { place: Required<Place>; id: number; rules: readonly RetentionRule[] },
): Promise<void> {
  const target = await requireRepository(deps, by, place, 'retention.change')
  const before = await findPolicyOf(deps.db.read, target.repositoryId)
  if (before?.id !== id) throw policyUnknown(target.path, id)
  requireSameKinds(parseRules(before.rules), rules)
  await applyWith(deps, by, { target, rules }, async (tx, nowMs) => {
    const key = { repositoryId: target.repositoryId, id }
    const revision = await updatePolicy(tx, key, { rules: JSON.stringify(rules), nowMs })
    if (revision === undefined) throw policyUnknown(target.path, id)
    await recordPolicyEvent(tx, by, { kind: 'retention.updated', target, id, nowMs })
    return { id, revision }
  })
}

/** Ends a policy; what went by it is gone, and its log stays. Throws `retention_unknown`, … */
export async function removePolicy(
  deps: Deps,
  by: Requester,
  { place, id }: { place: Required<Place>; id: number },
): Promise<void> {
  const target = await requireRepository(deps, by, place, 'retention.delete')
  const nowMs = deps.clock.nowMs()
  await deps.db.write(async tx => {
    if (!(await deletePolicy(tx, { repositoryId: target.repositoryId, id }))) throw policyUnknown(target.path, id)
    await recordPolicyEvent(tx, by, { kind: 'retention.deleted', target, id, nowMs })
  })
}

/** Throws `retention_unknown` and what `Access.require` throws. */
export async function getPolicy(
  deps: ReadDeps,
  caller: Caller,
  { place, id }: { place: Required<Place>; id: number },
): Promise<RetentionPolicy> {
  const [policy] = await listPolicies(deps, caller, place)
  if (policy?.id !== id) throw policyUnknown(`${place.organization}/${place.repository}`, id)
  return policy
}

/** The policies of a repository, one at most. Throws what `Access.require` throws. */
export async function listPolicies(deps: ReadDeps, caller: Caller, place: Required<Place>): Promise<RetentionPolicy[]> {
  const { id: repositoryId } = repositoryOf(await deps.access.require(caller, 'retention.view', place), place)
  const row = await findPolicyOf(deps.db.read, repositoryId)
  return row ? [{ id: row.id, rules: parseRules(row.rules) }] : []
}

/**
 * Writes a policy and removes the first images by it in one transaction; the rest is left to the job. Patterns are
 * compiled and tags judged before, and what was judged is compared in the transaction.
 */
async function applyWith(
  deps: Deps,
  by: Requester,
  { target, rules }: { target: Target; rules: readonly RetentionRule[] },
  writePolicy: (tx: Transaction, nowMs: number) => Promise<{ id: number; revision: number }>,
): Promise<number> {
  const { db, clock } = deps
  const ready = await readyRules(rules)
  const nowMs = clock.nowMs()
  const from = beginApplication(ready)
  const place = { repositoryId: target.repositoryId, rules: ready }
  const batch = await planBatch(db.read, place, from, { nowMs, mostTags: tagsPerRequest })
  return db.write(async tx => {
    if (!(await isLive(tx, target.repositoryId))) throw deletedMeanwhile(target)
    const { id, revision } = await writePolicy(tx, nowMs)
    const order = { policyId: id, rules, target, batch, origin: by.origin, nowMs }
    const removed = await removeBatch(tx, db.engine, order)
    const next: Application | undefined = removed === 'stale' ? from : batch.next
    if (next) await insertApplyJob(tx, { policyId: id, payload: JSON.stringify({ revision, ...next }), nowMs })
    return id
  })
}

async function recordPolicyEvent(
  tx: Transaction,
  by: Requester,
  { kind, target, id, nowMs }: { kind: EventKind; target: Target; id: number; nowMs: number },
): Promise<void> {
  await recordEvent(tx, by, {
    kind,
    atMs: nowMs,
    accountId: target.accountId,
    organizationId: target.organizationId,
    repositoryId: target.repositoryId,
    detail: { repository: target.path, policy: id },
  })
}

/** SWR API, "Modifying an Image Retention Policy": the template of a rule can't be changed. */
function requireSameKinds(before: readonly RetentionRule[], after: readonly RetentionRule[]): void {
  const kinds = (rules: readonly RetentionRule[]) => rules.map(rule => rule.keeps).join(' ')
  if (kinds(before) === kinds(after)) return
  const reason = 'the rules keep their templates and their order: make a new policy for others'
  throw new DomainError('parameter_invalid', 'template can not be changed', { parameter: 'template', reason })
}

function policyUnknown(path: string, id: number): DomainError {
  return new DomainError('retention_unknown', `${path} has no retention policy ${id}`, { id })
}
