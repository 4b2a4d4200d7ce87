import type { Caller } from '../../caller.ts'
import type { ReadDeps } from '../../organizations/deps.ts'
import { requireUser } from '../../organizations/place.ts'
import { findNewestTags } from '../queries.ts'
import { type Repository, readRepositories } from '../read-repositories.ts'
import { countMatching } from './counts/queries.ts'
import type { RepositoryFilter, Scope } from './matching/queries.ts'
import { findPosition, pageOfIds, pageOfIdsAfter, type RepositoryOrder } from './queries.ts'

/** `tags` are the newest ones, newest first, as many as `tagsOfEach` allows. */
export type ListedRepository = Repository & { tags: readonly string[] }

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
    findNewestTags(db.read, db.engine, { ids, limit: tagsOfEach(ids.length) }),
  ])
  return repositories.map(each => ({ ...each, tags: tags.get(each.id) ?? [] }))
}

async function idsOfPage(db: ReadDeps['db'], scope: Scope, query: RepositoryQuery): Promise<number[]> {
  const { from } = query
  if ('offset' in from) return pageOfIds(db, { scope, ...query, offset: from.offset })
  const after = await findPosition(db, scope, from.afterId)
  return after ? pageOfIdsAfter(db, { scope, ...query, after }) : []
}

/** As many as the list of tags itself shows on one page. */
const mostTagsOfOne = 1_000
const mostTagsOfPage = 10_000

/** How many tags of each repository a page of so many shows: ten of a thousand, a hundred of a hundred, and so on. */
function tagsOfEach(repositories: number): number {
  return Math.min(mostTagsOfOne, Math.floor(mostTagsOfPage / Math.max(1, repositories)))
}
