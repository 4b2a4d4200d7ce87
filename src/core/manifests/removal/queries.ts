import { type SqlBool, sql } from 'kysely'
import type { Transaction } from '../../../metadata/database.ts'

/** A manifest that may have to go. */
export type Candidate = {
  digest: Uint8Array
  size_bytes: number
  index_depth: number
  /** 1 where a tag or an index of the repository names it. */
  is_named: number
  /** 1 where it refers to a manifest that is there. */
  has_subject: number
}

const isNamed = sql<SqlBool>`(
  exists (select 1 from tags t where t.repository_id = m.repository_id and t.digest = m.digest)
  or exists (select 1 from manifest_children k where k.repository_id = m.repository_id and k.child_digest = m.digest))`

const hasSubject = sql<SqlBool>`exists (
  select 1 from manifests s where s.repository_id = m.repository_id and s.digest = m.subject_digest)`

const oneIf = (condition: typeof isNamed) => sql<number>`case when ${condition} then 1 else 0 end`

/** Those of the manifests that are there, in no order. */
export async function findCandidates(
  tx: Transaction,
  repositoryId: number,
  digests: readonly Uint8Array[],
): Promise<Candidate[]> {
  return tx
    .selectFrom('manifests as m')
    .select(['m.digest', 'm.size_bytes', 'm.index_depth'])
    .select([oneIf(isNamed).as('is_named'), oneIf(hasSubject).as('has_subject')])
    .where('m.repository_id', '=', repositoryId)
    .where('m.digest', 'in', digests)
    .execute()
}

/** What indexes name, each once. */
export async function findChildren(
  tx: Transaction,
  repositoryId: number,
  indexes: readonly Uint8Array[],
): Promise<Uint8Array[]> {
  if (indexes.length === 0) return []
  const rows = await tx
    .selectFrom('manifest_children')
    .select('child_digest')
    .distinct()
    .where('repository_id', '=', repositoryId)
    .where('manifest_digest', 'in', indexes)
    .orderBy('child_digest')
    .execute()
  return rows.map(row => row.child_digest)
}

/** Manifests that refer to one of these and that nothing else names, `limit` at most. */
export async function findUnnamedReferrers(
  tx: Transaction,
  repositoryId: number,
  query: { subjects: readonly Uint8Array[]; limit: number },
): Promise<Uint8Array[]> {
  const rows = await tx
    .selectFrom('manifests as m')
    .select('m.digest')
    .where('m.repository_id', '=', repositoryId)
    .where('m.subject_digest', 'in', query.subjects)
    .where(sql<SqlBool>`not ${isNamed}`)
    .limit(query.limit)
    .execute()
  return rows.map(row => row.digest)
}

/** Removes manifests with their references. */
export async function deleteManifestRows(
  tx: Transaction,
  repositoryId: number,
  digests: readonly Uint8Array[],
): Promise<void> {
  await tx.deleteFrom('manifests').where('repository_id', '=', repositoryId).where('digest', 'in', digests).execute()
}

/** The job that removes what one transaction left. */
export async function insertRemovalJob(
  tx: Transaction,
  job: { kind: string; subject: string; payload: string; nowMs: number },
): Promise<void> {
  await tx
    .insertInto('jobs')
    .values({
      kind: job.kind,
      subject: job.subject,
      payload: job.payload,
      run_at_ms: job.nowMs,
      attempts: 0,
      lease_id: null,
      lease_until_ms: 0,
      last_error: null,
      created_ms: job.nowMs,
    })
    .execute()
}

/** Writes down what is left, with the removal of what is not. */
export async function updateRemovalJob(
  tx: Transaction,
  job: { kind: string; subject: string; payload: string },
): Promise<void> {
  await tx
    .updateTable('jobs')
    .set({ payload: job.payload })
    .where('kind', '=', job.kind)
    .where('subject', '=', job.subject)
    .execute()
}
