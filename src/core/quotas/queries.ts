import { sql } from 'kysely'
import type { Reader, Transaction } from '../../metadata/database.ts'
import type { NewRow } from '../../metadata/tables.ts'

/** Holds an account against others that do so until the transaction ends; what refers to it is not held up. */
export async function holdAccount(tx: Transaction, accountId: string): Promise<void> {
  await tx
    .updateTable('accounts')
    .set({ name: sql.ref('name') })
    .where('id', '=', accountId)
    .execute()
}

/** The same with a repository. */
export async function holdRepository(tx: Transaction, repositoryId: number): Promise<void> {
  await tx
    .updateTable('repositories')
    .set({ updated_ms: sql.ref('updated_ms') })
    .where('id', '=', repositoryId)
    .execute()
}

/** Tags of deleted repositories of the account that their purge has yet to remove. */
export async function countTagsToPurge(db: Reader, accountId: string): Promise<number> {
  const owner = sql`'repository:' || r.id`
  const { rows } = await sql<{ tags: number }>`
    select cast(coalesce(sum(
      coalesce((select value from totals where owner = ${owner} and metric = 'tags'), 0) +
      coalesce((select sum(delta) from total_deltas where owner = ${owner} and metric = 'tags'), 0)), 0) as bigint) as tags
    from repositories r where r.account_id = ${accountId} and r.deleted_ms is not null`.execute(db)
  return rows[0]?.tags ?? 0
}

export async function hasProject(db: Reader, accountId: string, projectId: string): Promise<boolean> {
  const row = await db
    .selectFrom('projects')
    .select('id')
    .where('id', '=', projectId)
    .where('account_id', '=', accountId)
    .executeTakeFirst()
  return row !== undefined
}

/** False when the account had authorized it before. */
export async function insertAgency(tx: Transaction, row: NewRow<'agencies'>): Promise<boolean> {
  const added = await tx
    .insertInto('agencies')
    .values(row)
    .onConflict(conflict => conflict.doNothing())
    .returning('account_id')
    .execute()
  return added.length > 0
}

export async function hasAgency(db: Reader, accountId: string): Promise<boolean> {
  const row = await db
    .selectFrom('agencies')
    .select('account_id')
    .where('account_id', '=', accountId)
    .executeTakeFirst()
  return row !== undefined
}
