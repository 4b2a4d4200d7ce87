import type { Caller } from '../../caller.ts'
import type { ReadDeps } from '../../organizations/deps.ts'
import { requireUser } from '../../organizations/place.ts'
import { findNewestTags } from '../queries.ts'
import { type Repository, readRepositories } from '../read-repositories.ts'
import {
  countMatching,
  findPosition,
  pageOfIds,
  pageOfIdsAfter,
  type RepositoryFilter,
  type RepositoryOrder,
  type Scope,
} from './queries.ts'

/** `tags` are the newest ones, newest first, at most `mostListedTags`. */
export type ListedRepository = Repository & { tags: readonly string[] }

/** As many as the list of tags itself shows on one page. */
export const mostListedTags = 1000

export type RepositoryQuery = {
  filter: RepositoryFilter
  order: RepositoryOrder
  limit: number
  /** A number to skip, or a repository after which the page begins, in the order by organization and name. */
  from: { offset: number } | { afterId: number }
}

/**
 * A page of the repositories that the caller's grants show (an administrator's: all of the account), and how many match
 * in all. A constant number of queries. Throws `unauthenticated` or `credentials_invalid`.
 */
export async function listRepositories(
  deps: ReadDeps,
  caller: Caller,
  query: RepositoryQuery,
): Promise<{ repositories: ListedRepository[]; total: number }> {
  const { db } = deps
  const user = await requireUser(deps, caller)
  const scope = { accountId: user.accountId, grantedTo: user.isAdministrator ? undefined : user.userId }
  const [ids, total] = await Promise.all([
    idsOfPage(db, scope, query),
    countMatching(db, { scope, filter: query.filter }),
  ])
  return { repositories: await readListed(db, ids), total }
}

/** Live repositories in the order of the ids, with their tags. A constant number of queries. */
export async function readListed(db: ReadDeps['db'], ids: readonly number[]): Promise<ListedRepository[]> {
  const [repositories, tags] = await Promise.all([
    readRepositories(db, ids),
    findNewestTags(db.read, db.engine, { ids, limit: mostListedTags }),
  ])
  return repositories.map(each => ({ ...each, tags: tags.get(each.id) ?? [] }))
}

async function idsOfPage(db: ReadDeps['db'], scope: Scope, query: RepositoryQuery): Promise<number[]> {
  const { from } = query
  if ('offset' in from) return pageOfIds(db, { scope, ...query, offset: from.offset })
  const after = await findPosition(db.read, scope, from.afterId)
  return after ? pageOfIdsAfter(db, { scope, ...query, after }) : []
}
