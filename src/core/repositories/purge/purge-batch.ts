import type { Transaction } from '../../../metadata/database.ts'
import { storedLinks } from '../../quotas/stored/queries.ts'
import { uncountLinks } from '../../quotas/stored/stored-bytes.ts'
import { countTags } from '../../quotas/tag-count.ts'
import { deleteHolding, deleteLinks, findAccountId, type Holding, holdings } from './queries.ts'

/**
 * Removes up to `limit` rows of what a deleted repository held, and gives its account back what they were counted as; 0
 * when nothing is left.
 */
export async function purgeBatch(tx: Transaction, repositoryId: number, limit: number): Promise<number> {
  for (const table of Object.keys(holdings) as Holding[]) {
    const removed = await purgeFrom(tx, { table, repositoryId, limit })
    if (removed > 0) return removed
  }
  return 0
}

async function purgeFrom(
  tx: Transaction,
  from: { table: Holding; repositoryId: number; limit: number },
): Promise<number> {
  const { table, repositoryId, limit } = from
  if (table === 'blob_links') {
    const links = await deleteLinks(tx, repositoryId, limit)
    await uncountLinks(tx, await storedLinks(tx, links))
    return links.length
  }
  const removed = await deleteHolding(tx, from)
  if (table === 'tags' && removed > 0) {
    await countTags(tx, { repositoryId, accountId: await findAccountId(tx, repositoryId) }, -removed)
  }
  return removed
}
