import type { Transaction } from '../../../metadata/database.ts'
import { flag, type NewRow, type Row } from '../../../metadata/tables.ts'

export type ShareKey = { repositoryId: number; accountId: string }

/** False when the repository is shared with that account already. */
export async function insertShare(tx: Transaction, row: NewRow<'repository_shares'>): Promise<boolean> {
  const added = await tx
    .insertInto('repository_shares')
    .values(row)
    .onConflict(conflict => conflict.doNothing())
    .returning('repository_id')
    .execute()
  return added.length > 0
}

/** False when there is no such share. */
export async function updateShare(
  tx: Transaction,
  { repositoryId, accountId }: ShareKey,
  change: Partial<Pick<Row<'repository_shares'>, 'deadline' | 'ends_ms' | 'description'>> & { updated_ms: number },
): Promise<boolean> {
  const changed = await tx
    .updateTable('repository_shares')
    .set(change)
    .where('repository_id', '=', repositoryId)
    .where('account_id', '=', accountId)
    .returning('repository_id')
    .execute()
  return changed.length > 0
}

/** The accounts whose share went: one of them, or all that the repository has. */
export async function takeShares(
  tx: Transaction,
  { repositoryId, accountId }: { repositoryId: number; accountId?: string },
): Promise<string[]> {
  const taken = await tx
    .deleteFrom('repository_shares')
    .where('repository_id', '=', repositoryId)
    .$if(accountId !== undefined, shares => shares.where('account_id', '=', accountId ?? ''))
    .returning('account_id')
    .execute()
  return taken.map(row => row.account_id)
}

export async function countShares(tx: Transaction, repositoryId: number): Promise<number> {
  const { count } = await tx
    .selectFrom('repository_shares')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('repository_id', '=', repositoryId)
    .executeTakeFirstOrThrow()
  return count
}

export async function setShared(tx: Transaction, repositoryId: number, isShared: boolean): Promise<void> {
  await tx
    .updateTable('repositories')
    .set({ is_shared: flag(isShared) })
    .where('id', '=', repositoryId)
    .execute()
}
