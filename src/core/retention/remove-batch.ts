import { createHash } from 'node:crypto'
import type { Database, Transaction } from '../../metadata/database.ts'
import { holdRepository } from '../access/holding/queries.ts'
import type { Origin } from '../caller.ts'
import { removeImages } from '../manifests/removal/remove-image.ts'
import type { Target } from '../repositories/push-target.ts'
import { addToTotal } from '../totals.ts'
import type { Batch, DueTag } from './plan-batch.ts'
import { countTags, findAgingTags, insertLog, keepRules } from './queries.ts'
import type { RetentionRule } from './rules.ts'

export type BatchRemoval = {
  policyId: number
  rules: readonly RetentionRule[]
  target: Target
  batch: Batch
  origin: Origin
  nowMs: number
}

/**
 * Removes the images of a batch, with a line of the log for each, in the transaction that is given; how many went. Other
 * requests went on since it was planned, and pushes wait from here on: a tag that was pushed again stays, and where one
 * is gone that was counted, nothing goes and `stale` says so, for then an older one may have to stay.
 */
export async function removeBatch(
  tx: Transaction,
  engine: Database['engine'],
  { policyId, rules, target, batch, origin, nowMs }: BatchRemoval,
): Promise<number | 'stale'> {
  const { repositoryId } = target
  if (batch.due.length === 0) return 0
  if (!(await holdRepository(tx, engine, repositoryId))) return 'stale'
  if ((await countTags(tx, batch.counted)) < batch.counted.length) return 'stale'
  const due = await unchanged(tx, batch.due)
  const by = { caller: { kind: 'policy', name: `retention policy ${policyId}` }, origin } as const
  const removed = await removeImages(tx, by, { engine, target, tags: due.map(tag => tag.name), nowMs })
  const names = new Set(removed.map(({ tag }) => tag))
  const gone = due.filter(tag => names.has(tag.name))
  if (gone.length > 0) await log(tx, { policyId, repositoryId, rules, gone, nowMs })
  return gone.length
}

/** Those that are as they were: a tag that was pushed again is younger. */
async function unchanged(tx: Transaction, due: readonly DueTag[]): Promise<DueTag[]> {
  const rows = await findAgingTags(
    tx,
    due.map(tag => tag.id),
  )
  const pushedMs = new Map(rows.map(row => [row.id, row.updated_ms]))
  return due.filter(tag => pushedMs.get(tag.id) === tag.pushedMs)
}

async function log(tx: Transaction, { policyId, repositoryId, rules, gone, nowMs }: LogLines): Promise<void> {
  const kept = rules.map(keptRule)
  const used = [...new Set(gone.map(tag => tag.rule))].flatMap(number => kept[number] ?? [])
  const ids = await keepRules(tx, repositoryId, used)
  const lines = gone.flatMap(tag => {
    const ruleId = ids.get(kept[tag.rule]?.digest.toHex() ?? '')
    if (ruleId === undefined) return []
    return { repository_id: repositoryId, policy_id: policyId, rule_id: ruleId, tag: tag.name, at_ms: nowMs }
  })
  await insertLog(tx, lines)
  await addToTotal(tx, `repository:${repositoryId}`, 'retention_log', lines.length)
}

type LogLines = {
  policyId: number
  repositoryId: number
  rules: readonly RetentionRule[]
  gone: readonly DueTag[]
  nowMs: number
}

function keptRule(rule: RetentionRule): { digest: Uint8Array; rule: string } {
  const text = JSON.stringify(rule)
  return { digest: createHash('sha256').update(text).digest(), rule: text }
}
