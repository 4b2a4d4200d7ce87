import type { Transaction } from '../../metadata/database.ts'
import type { QuotaKind, QuotaLimits } from '../access/switches.ts'
import { DomainError } from '../errors.ts'
import { readTotals, type TotalOwner } from '../totals.ts'
import { holdAccount, holdRepository } from './queries.ts'

/** What is about to be counted: organizations or repositories of an account, or tags of a repository. */
export type Growth =
  | { kind: 'organizations' | 'repositories'; accountId: string; adding: number }
  | { kind: 'tags'; repositoryId: number; path: string; adding: number }

/**
 * Throws `quota_exceeded` unless there is room for what this transaction adds, and is about to count. Who adds to the same
 * owner waits until this transaction ends, so the limit is met exactly; without a limit nobody waits and nothing is read.
 */
export async function requireRoom(tx: Transaction, limits: QuotaLimits, growth: Growth): Promise<void> {
  const limit = limits[growth.kind]
  if (limit === undefined || growth.adding <= 0) return
  const owner = await holdOwner(tx, growth)
  // Asked after the row is held, so that it sees what all who held it before have counted.
  const used = (await readTotals(tx, [owner]))(owner, growth.kind)
  if (used + growth.adding <= limit) return
  throw new DomainError('quota_exceeded', sentences[growth.kind](limit, growth), { quota: growth.kind, limit, used })
}

async function holdOwner(tx: Transaction, growth: Growth): Promise<TotalOwner> {
  if (growth.kind === 'tags') {
    await holdRepository(tx, growth.repositoryId)
    return `repository:${growth.repositoryId}`
  }
  await holdAccount(tx, growth.accountId)
  return `account:${growth.accountId}`
}

const wayOut = 'delete some, or ask the operator of the registry for more'

const sentences: Record<QuotaKind, (limit: number, growth: Growth) => string> = {
  organizations: limit => `the account has no room for another organization, its quota is ${limit}: ${wayOut}`,
  repositories: limit => `the account has no room for another repository, its quota is ${limit}: ${wayOut}`,
  tags: (limit, growth) =>
    `${'path' in growth ? growth.path : 'the repository'} has no room for more tags, its quota is ${limit}: ${wayOut}`,
}
