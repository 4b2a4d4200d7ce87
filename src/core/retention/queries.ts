import { sql } from 'kysely'
import type { Database, Reader, Transaction } from '../../metadata/database.ts'
import { lockRow } from '../../metadata/dialects.ts'
import { insertion } from '../../metadata/statement.ts'
import type { NewRow, Row } from '../../metadata/tables.ts'

type Engine = Database['engine']

/** The new policy's id; undefined when the repository has one. */
export async function insertPolicy(tx: Transaction, row: NewRow<'retention_policies'>): Promise<number | undefined> {
  const added = await tx
    .insertInto('retention_policies')
    .values(row)
    .onConflict(conflict => conflict.column('repository_id').doNothing())
    .returning('id')
    .executeTakeFirst()
  return added?.id
}

export type PolicyKey = { repositoryId: number; id: number }

/** Gives a policy other rules; its new revision, undefined when it is gone. */
export async function updatePolicy(
  tx: Transaction,
  { repositoryId, id }: PolicyKey,
  change: { rules: string; nowMs: number },
): Promise<number | undefined> {
  const changed = await tx
    .updateTable('retention_policies')
    .set(eb => ({ rules: change.rules, revision: eb('revision', '+', 1), updated_ms: change.nowMs }))
    .where('id', '=', id)
    .where('repository_id', '=', repositoryId)
    .returning('revision')
    .executeTakeFirst()
  return changed?.revision
}

/** False when there was none. */
export async function deletePolicy(tx: Transaction, { repositoryId, id }: PolicyKey): Promise<boolean> {
  const removed = await tx
    .deleteFrom('retention_policies')
    .where('id', '=', id)
    .where('repository_id', '=', repositoryId)
    .returning('id')
    .execute()
  return removed.length > 0
}

/** The policy of a repository. */
export async function findPolicyOf(db: Reader, repositoryId: number): Promise<Row<'retention_policies'> | undefined> {
  return db.selectFrom('retention_policies').selectAll().where('repository_id', '=', repositoryId).executeTakeFirst()
}

/** A policy with its repository as it is called now. */
export type PlacedPolicyRow = Pick<Row<'retention_policies'>, 'id' | 'revision' | 'rules' | 'repository_id'> & {
  organization_id: number
  account_id: string
  organization: string
  repository: string
}

/** A policy whose repository is there. */
export async function findPlacedPolicy(db: Reader, id: number): Promise<PlacedPolicyRow | undefined> {
  return placedPolicies(db).where('p.id', '=', id).executeTakeFirst()
}

/** Policies whose repositories are there, in the order of their ids. */
export async function listPlacedPolicies(
  db: Reader,
  page: { after: number; limit: number },
): Promise<PlacedPolicyRow[]> {
  return placedPolicies(db).where('p.id', '>', page.after).orderBy('p.id').limit(page.limit).execute()
}

function placedPolicies(db: Reader) {
  return db
    .selectFrom('retention_policies as p')
    .innerJoin('repositories as r', 'r.id', 'p.repository_id')
    .innerJoin('organizations as o', 'o.id', 'r.organization_id')
    .select(['p.id', 'p.revision', 'p.rules', 'p.repository_id'])
    .select(['o.id as organization_id', 'o.account_id', 'o.name as organization', 'r.name as repository'])
    .where('r.deleted_ms', 'is', null)
}

/** True when the policy is still of this revision; holds it so until the transaction ends. */
export async function holdPolicy(
  tx: Transaction,
  engine: Engine,
  { id, revision }: { id: number; revision: number },
): Promise<boolean> {
  const select = tx.selectFrom('retention_policies').select('id').where('id', '=', id).where('revision', '=', revision)
  return (await lockRow(engine, select).executeTakeFirst()) !== undefined
}

/** A place in the order from the newest tag to the oldest. */
export type TagPosition = { pushedMs: number; name: string }

export type AgingTagRow = Pick<Row<'tags'>, 'id' | 'name' | 'updated_ms'>

/** Tags after a place, newest first; `pushedBeforeMs` leaves those out that were pushed then or later. */
export async function pageOfTags(
  db: Reader,
  page: { repositoryId: number; after: TagPosition | undefined; pushedBeforeMs: number | undefined; limit: number },
): Promise<AgingTagRow[]> {
  const { after, pushedBeforeMs } = page
  let select = db
    .selectFrom('tags')
    .select(['id', 'name', 'updated_ms'])
    .where('repository_id', '=', page.repositoryId)
    .orderBy('updated_ms', 'desc')
    .orderBy('name', 'desc')
    .limit(page.limit)
  if (after) {
    select = select.where(sql<boolean>`(updated_ms, name) < (${after.pushedMs}, ${after.name})`)
  } else if (pushedBeforeMs !== undefined) {
    select = select.where('updated_ms', '<', pushedBeforeMs)
  }
  return select.execute()
}

/** How many of these tags are there. A tag that was deleted and pushed again has another id. */
export async function countTags(db: Reader, ids: readonly number[]): Promise<number> {
  if (ids.length === 0) return 0
  const { count } = await db
    .selectFrom('tags')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('id', 'in', ids)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Those of the tags that are there, in no order. */
export async function findAgingTags(db: Reader, ids: readonly number[]): Promise<AgingTagRow[]> {
  return db.selectFrom('tags').select(['id', 'name', 'updated_ms']).where('id', 'in', ids).execute()
}

/** The ids of rules as the log names them, by the hex of their digests; a rule is kept once, however often it is applied. */
export async function keepRules(
  tx: Transaction,
  repositoryId: number,
  rules: readonly { digest: Uint8Array; rule: string }[],
): Promise<ReadonlyMap<string, number>> {
  if (rules.length === 0) return new Map()
  await tx
    .insertInto('retention_rules')
    .values(rules.map(rule => ({ repository_id: repositoryId, ...rule })))
    .onConflict(conflict => conflict.columns(['repository_id', 'digest']).doNothing())
    .execute()
  const rows = await tx
    .selectFrom('retention_rules')
    .select(['id', 'digest'])
    .where('repository_id', '=', repositoryId)
    .where(
      'digest',
      'in',
      rules.map(rule => rule.digest),
    )
    .execute()
  return new Map(rows.map(row => [row.digest.toHex(), row.id]))
}

export const insertLog = insertion('retention_log', ['repository_id', 'policy_id', 'rule_id', 'tag', 'at_ms'])

export type LogRow = Pick<Row<'retention_log'>, 'id' | 'policy_id' | 'tag' | 'at_ms'> & { rule: string }

/** What went from a repository, newest first. What is skipped is skipped in the index. */
export async function listLog(
  db: Reader,
  page: { repositoryId: number; limit: number; offset: number },
): Promise<LogRow[]> {
  const ids = db
    .selectFrom('retention_log')
    .select('id')
    .where('repository_id', '=', page.repositoryId)
    .orderBy('id', 'desc')
    .limit(page.limit)
    .offset(page.offset)
  return db
    .selectFrom('retention_log as l')
    .innerJoin('retention_rules as r', 'r.id', 'l.rule_id')
    .select(['l.id', 'l.policy_id', 'l.tag', 'l.at_ms', 'r.rule'])
    .where('l.id', 'in', ids)
    .orderBy('l.id', 'desc')
    .execute()
}

/** The kind of the jobs that go on with a policy that was just made or changed. */
export const applyKind = 'retention.apply'

/**
 * The job that goes on applying a policy. One that is there begins anew with this payload: whoever runs it finds that it is
 * no longer theirs.
 */
export async function insertApplyJob(
  tx: Transaction,
  job: { policyId: number; payload: string; nowMs: number },
): Promise<void> {
  const due = { payload: job.payload, run_at_ms: job.nowMs, attempts: 0, lease_id: null, lease_until_ms: 0 }
  await tx
    .insertInto('jobs')
    .values({ kind: applyKind, subject: String(job.policyId), ...due, last_error: null, created_ms: job.nowMs })
    .onConflict(conflict => conflict.columns(['kind', 'subject']).doUpdateSet(due))
    .execute()
}
