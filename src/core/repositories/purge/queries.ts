import { sql } from 'kysely'
import type { Reader, Transaction } from '../../../metadata/database.ts'
import type { Row } from '../../../metadata/tables.ts'
import { deleteTotals } from '../../totals.ts'

/**
 * What a repository holds, each behind what refers to it, with its primary key. Rows that would go with others (`on delete
 * cascade`) are taken away before those: one statement would remove any number of them.
 */
export const holdings = {
  tags: ['repository_id', 'name'],
  manifest_blobs: ['repository_id', 'manifest_digest', 'target_digest'],
  manifest_children: ['repository_id', 'manifest_digest', 'position'],
  manifests: ['repository_id', 'digest'],
  blob_links: ['repository_id', 'digest'],
  retention_log: ['id'],
  retention_rules: ['id'],
  pulls: ['repository_id', 'day', 'shard'],
} as const

export type Holding = keyof typeof holdings

/** Removes up to `limit` rows of one table; how many went. */
export async function deleteHolding(
  tx: Transaction,
  { table, repositoryId, limit }: { table: Holding; repositoryId: number; limit: number },
): Promise<number> {
  const columns = sql.join(holdings[table].map(column => sql.ref(column)))
  const { numAffectedRows } = await sql`
    delete from ${sql.table(table)} where (${columns}) in (
      select ${columns} from ${sql.table(table)} where repository_id = ${repositoryId} limit ${limit})`.execute(tx)
  return Number(numAffectedRows ?? 0)
}

/** Removes up to `limit` links; those that went. */
export async function deleteLinks(
  tx: Transaction,
  repositoryId: number,
  limit: number,
): Promise<Pick<Row<'blob_links'>, 'repository_id' | 'digest'>[]> {
  return tx
    .deleteFrom('blob_links')
    .where('repository_id', '=', repositoryId)
    .where('digest', 'in', eb =>
      eb.selectFrom('blob_links').select('digest').where('repository_id', '=', repositoryId).limit(limit),
    )
    .returning(['repository_id', 'digest'])
    .execute()
}

/** Whose it was. */
export async function findAccountId(tx: Transaction, repositoryId: number): Promise<string> {
  const row = await tx.selectFrom('repositories').select('account_id').where('id', '=', repositoryId).executeTakeFirst()
  return row?.account_id ?? ''
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
