import type { Transaction } from '../../metadata/database.ts'
import { addToTotals } from '../totals.ts'

/** Counts tags that came or, with a negative number, went, in the transaction of that. */
export async function countTags(
  tx: Transaction,
  { repositoryId, accountId }: { repositoryId: number; accountId: string },
  delta: number,
): Promise<void> {
  await addToTotals(tx, [
    { owner: `repository:${repositoryId}`, metric: 'tags', delta },
    { owner: `account:${accountId}`, metric: 'tags', delta },
  ])
}
