import type { Caller } from '../../caller.ts'
import { DomainError } from '../../errors.ts'
import type { ReadDeps } from '../../organizations/deps.ts'
import { requireUser } from '../../organizations/place.ts'
import { type Repository, readRepositories } from '../read-repositories.ts'
import { areFewMatching } from './counts/queries.ts'
import type { RepositoryFilter, Scope } from './matching/queries.ts'
import { findPosition, pageOfIds, pageOfIdsAfter } from './queries.ts'

/**
 * A page of the repositories that the caller's grants show, by organization and name, without counting them. `next` is
 * what `after` of the next page has to be; undefined where this is the last. Throws `unauthenticated`,
 * `credentials_invalid`, and `page_invalid` when the repository to go on after is gone: who reads on has to begin anew,
 * and is not left with a part for the whole.
 */
export async function listRepositoriesAfter(
  deps: ReadDeps,
  caller: Caller,
  query: { filter: RepositoryFilter; limit: number; after: number | undefined },
): Promise<{ repositories: Repository[]; next: number | undefined }> {
  const user = await requireUser(deps, caller)
  const scope = { accountId: user.accountId, grantedTo: user.isAdministrator ? undefined : user.userId }
  const ids = await idsAfter(deps, scope, { ...query, limit: query.limit + 1 })
  const page = ids.slice(0, query.limit)
  const repositories = await readRepositories(deps.db, page)
  return { repositories, next: ids.length > page.length ? page.at(-1) : undefined }
}

async function idsAfter(
  { db }: ReadDeps,
  scope: Scope,
  { filter, limit, after }: { filter: RepositoryFilter; limit: number; after: number | undefined },
): Promise<number[]> {
  const asked = { scope, filter, limit, areFew: await areFewMatching(db, { scope, filter }) }
  if (after === undefined) {
    return pageOfIds(db, { ...asked, offset: 0, order: { by: 'organization', direction: 'asc' } })
  }
  const position = await findPosition(db, scope, after)
  if (position) return pageOfIdsAfter(db, { ...asked, after: position })
  throw new DomainError('page_invalid', 'the repository that the page begins after is gone: begin anew', {
    reason: 'marker names no image repository',
  })
}
