import { sql } from 'kysely'
import type { Reader, Transaction } from '../../../metadata/database.ts'
import { deleteTotals } from '../../totals.ts'

/**
 * What a repository holds, each behind what refers to it, with its primary key. Rows that would go with others (`on delete
 * cascade`) are taken away before those: one statement would remove any number of them.
 */
const holdings = [
  { table: 'tags', key: ['repository_id', 'name'] },
  { table: 'manifest_blobs', key: ['repository_id', 'manifest_digest', 'target_digest'] },
  { table: 'manifest_children', key: ['repository_id', 'manifest_digest', 'position'] },
  { table: 'manifests', key: ['repository_id', 'digest'] },
  { table: 'blob_links', key: ['repository_id', 'digest'] },
  { table: 'pulls', key: ['repository_id', 'day', 'shard'] },
] as const

/** Removes up to `limit` rows of what a deleted repository held; 0 when nothing is left. */
export async function purgeBatch(tx: Transaction, repositoryId: number, limit: number): Promise<number> {
  for (const { table, key } of holdings) {
    const columns = sql.join(key.map(column => sql.ref(column)))
    const { numAffectedRows } = await sql`
      delete from ${sql.table(table)} where (${columns}) in (
        select ${columns} from ${sql.table(table)} where repository_id = ${repositoryId} limit ${limit})`.execute(tx)
    const removed = Number(numAffectedRows ?? 0)
    if (removed > 0) return removed
  }
  return 0
}

/** Sessions whose staged bytes have to go before their rows. */
export async function sessionsOf(tx: Transaction, repositoryId: number, limit: number) {
  return tx
    .selectFrom('upload_sessions')
    .select(['id', 'store_state', 'offset_bytes'])
    .where('repository_id', '=', repositoryId)
    .limit(limit)
    .execute()
}

export async function deleteSessions(tx: Transaction, ids: readonly string[]): Promise<void> {
  await tx.deleteFrom('upload_sessions').where('id', 'in', ids).execute()
}

/** The row itself, with its grants and description, once it holds nothing; a live repository is left alone. */
export async function deleteMarkedRepository(tx: Transaction, repositoryId: number): Promise<void> {
  await tx.deleteFrom('repositories').where('id', '=', repositoryId).where('deleted_ms', 'is not', null).execute()
  await deleteTotals(tx, `repository:${repositoryId}`)
}

/** Deleted repositories that still hold something, in the order of their ids. */
export async function listMarkedRepositories(
  db: Reader,
  page: { after: number; limit: number },
): Promise<{ id: number; name: string }[]> {
  return db
    .selectFrom('repositories')
    .select(['id', 'name'])
    .where('deleted_ms', 'is not', null)
    .where('id', '>', page.after)
    .orderBy('id')
    .limit(page.limit)
    .execute()
}

export async function isMarkedDeleted(tx: Transaction, repositoryId: number): Promise<boolean> {
  const row = await tx
    .selectFrom('repositories')
    .select('id')
    .where('id', '=', repositoryId)
    .where('deleted_ms', 'is not', null)
    .executeTakeFirst()
  return row !== undefined
}
