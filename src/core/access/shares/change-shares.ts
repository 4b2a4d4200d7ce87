import type { Database, Transaction } from '../../../metadata/database.ts'
import type { NewRow } from '../../../metadata/tables.ts'
import { addToTotals } from '../../totals.ts'
import { holdRepository } from '../holding/queries.ts'
import { countShares, insertShare, setShared, takeShares } from './queries.ts'

/** Of a share without a deadline: later than every time. */
export const endlessMs = Number.MAX_SAFE_INTEGER

/** Whose shares change, by what counts them. */
export type SharedRepository = { repositoryId: number; organizationId: number; accountId: string }

export type NewShare = Omit<NewRow<'repository_shares'>, 'repository_id'>

/**
 * Shares a private repository with one account more, of `most` at most, and counts it. Says why not otherwise: it is
 * `gone`, it is `public`, that account has a share (`exists`), or it has as many as it may (`full`).
 */
export async function addShare(
  tx: Transaction,
  engine: Database['engine'],
  { of, share, most }: { of: SharedRepository; share: NewShare; most: number },
): Promise<'added' | 'gone' | 'public' | 'exists' | 'full'> {
  const repository = await holdRepository(tx, engine, of.repositoryId)
  if (!repository) return 'gone'
  if (repository.is_public === 1) return 'public'
  const before = await countShares(tx, of.repositoryId)
  if (!(await insertShare(tx, { ...share, repository_id: of.repositoryId }))) return 'exists'
  if (before >= most) return 'full'
  if (repository.is_shared === 0) await setShared(tx, of.repositoryId, true)
  await count(tx, of, { shared: repository.is_shared === 0 ? 1 : 0, received: 1, accountIds: [share.account_id] })
  return 'added'
}

/** Takes the share of one account back; false when it has none. */
export async function removeShare(
  tx: Transaction,
  engine: Database['engine'],
  { of, accountId }: { of: SharedRepository; accountId: string },
): Promise<boolean> {
  await holdRepository(tx, engine, of.repositoryId)
  const accountIds = await takeShares(tx, { repositoryId: of.repositoryId, accountId })
  if (accountIds.length === 0) return false
  const isLast = (await countShares(tx, of.repositoryId)) === 0
  if (isLast) await setShared(tx, of.repositoryId, false)
  await count(tx, of, { shared: isLast ? -1 : 0, received: -1, accountIds })
  return true
}

/**
 * Takes all shares of a repository away, in the transaction that deletes it and behind that, so that none can be added
 * any more: what is made under its name later is shared with nobody.
 */
export async function removeShares(tx: Transaction, of: SharedRepository): Promise<void> {
  const accountIds = await takeShares(tx, { repositoryId: of.repositoryId })
  if (accountIds.length === 0) return
  await setShared(tx, of.repositoryId, false)
  await count(tx, of, { shared: -1, received: -1, accountIds })
}

async function count(
  tx: Transaction,
  { organizationId, accountId }: SharedRepository,
  { shared, received, accountIds }: { shared: number; received: number; accountIds: readonly string[] },
): Promise<void> {
  await addToTotals(tx, [
    { owner: `account:${accountId}`, metric: 'shared', delta: shared },
    { owner: `organization:${organizationId}`, metric: 'shared', delta: shared },
    ...accountIds.map(receiverId => ({ owner: `account:${receiverId}`, metric: 'received', delta: received }) as const),
  ])
}
