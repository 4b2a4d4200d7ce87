import type { Place } from '../access/queries.ts'
import type { Caller } from '../caller.ts'
import type { ReadDeps } from '../organizations/deps.ts'
import { repositoryOf } from '../organizations/place.ts'
import { readTotals } from '../totals.ts'
import { listLog } from './queries.ts'
import { parseRule, type RetentionRule } from './rules.ts'

/** A tag that went, and the rule by which it did. */
export type RetentionRecord = { id: number; policyId: number; tag: string; rule: RetentionRule; atMs: number }

/**
 * What went from a repository by its policies, those that are gone among them, newest first, and how much that is in all.
 * Throws what `Access.require` throws.
 */
export async function listRetentionHistory(
  deps: ReadDeps,
  caller: Caller,
  { place, limit, offset }: { place: Required<Place>; limit: number; offset: number },
): Promise<{ records: RetentionRecord[]; total: number }> {
  const { id } = repositoryOf(await deps.access.require(caller, 'retention.view', place), place)
  const owner = `repository:${id}` as const
  const total = (await readTotals(deps.db.read, [owner]))(owner, 'retention_log')
  // What lies behind the end is not walked to.
  const rows = offset < total ? await listLog(deps.db.read, { repositoryId: id, limit, offset }) : []
  const records = rows.map(row => ({
    id: row.id,
    policyId: row.policy_id,
    tag: row.tag,
    rule: parseRule(row.rule),
    atMs: row.at_ms,
  }))
  return { records, total }
}
