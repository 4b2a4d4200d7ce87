import type { Caller } from '../../caller.ts'
import { DomainError } from '../../errors.ts'
import type { ReadDeps } from '../../organizations/deps.ts'
import { requireUser } from '../../organizations/place.ts'
import { findNewestTags } from '../queries.ts'
import { type Repository, readRepositories } from '../read-repositories.ts'
import { countMatching } from './counts/queries.ts'
import { mostSorted, type RepositoryFilter, type Scope } from './matching/queries.ts'
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
 * in all. A constant number of queries. Throws `unauthenticated` or `credentials_invalid`, and `parameter_invalid` where too
 * many would have to be sorted.
 */
export async function listRepositories(
  deps: ReadDeps,
  caller: Caller,
  query: RepositoryQuery,
): Promise<{ repositories: ListedRepository[]; total: number }> {
  const { db } = deps
  const user = await requireUser(deps, caller)
  const scope = { accountId: user.accountId, grantedTo: user.isAdministrator ? undefined : user.userId }
  const total = await countMatching(db, { scope, filter: query.filter })
  const ids = await idsOfPage(db, scope, { ...query, areFew: total <= mostSorted })
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

async function idsOfPage(
  db: ReadDeps['db'],
  scope: Scope,
  query: RepositoryQuery & { areFew: boolean },
): Promise<number[]> {
  const { from, order } = query
  const { by, direction } = order
  if ('offset' in from) {
    const { offset } = from
    if (by === 'public') return idsByVisibility(db, scope, { ...query, offset })
    if (by === 'tags' && !query.areFew) throw tooManyToSort()
    return pageOfIds(db, { scope, ...query, order: { by, direction }, offset })
  }
  const after = await findPosition(db, scope, from.afterId)
  return after ? pageOfIdsAfter(db, { scope, ...query, after }) : []
}

/** Those of one visibility behind those of the other, each in the order by organization and name, which needs no sorting. */
async function idsByVisibility(
  db: ReadDeps['db'],
  scope: Scope,
  query: Omit<RepositoryQuery, 'from'> & { offset: number },
): Promise<number[]> {
  const { filter, limit, offset, order } = query
  const kinds = [order.direction === 'desc', order.direction === 'asc'].filter(
    isPublic => filter.isPublic === undefined || filter.isPublic === isPublic,
  )
  const ids: number[] = []
  let skipped = 0
  for (const isPublic of kinds) {
    const ofKind = { scope, filter: { ...filter, isPublic } }
    const matches = await countMatching(db, ofKind)
    const part = { limit: limit - ids.length, offset: Math.max(0, offset - skipped) }
    if (part.limit > 0 && part.offset < matches) {
      const byName = { by: 'organization', direction: order.direction } as const
      ids.push(...(await pageOfIds(db, { ...ofKind, ...part, order: byName, areFew: matches <= mostSorted })))
    }
    skipped += matches
  }
  return ids
}

function tooManyToSort(): DomainError {
  return new DomainError('parameter_invalid', 'too many image repositories match to order them by their tags', {
    parameter: 'order_column',
    reason: `at most ${mostSorted} may match: name an organization, or a part of the name`,
  })
}

/** As many as the list of tags itself shows on one page. */
const mostTagsOfOne = 1_000
const mostTagsOfPage = 10_000

/** How many tags of each repository a page of so many shows: ten of a thousand, a hundred of a hundred, and so on. */
function tagsOfEach(repositories: number): number {
  return Math.min(mostTagsOfOne, Math.floor(mostTagsOfPage / Math.max(1, repositories)))
}
