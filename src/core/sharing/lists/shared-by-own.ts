import type { Caller } from '../../caller.ts'
import type { Clock } from '../../clock.ts'
import type { ReadDeps } from '../../organizations/deps.ts'
import { requireUser } from '../../organizations/place.ts'
import { listRepositoriesAfter } from '../../repositories/list/list-after.ts'
import { listRepositories } from '../../repositories/list/list-repositories.ts'
import type { RepositoryFilter } from '../../repositories/list/matching/queries.ts'
import type { RepositoryOrder } from '../../repositories/list/queries.ts'
import type { Repository } from '../../repositories/read-repositories.ts'
import { sharedNow } from './queries.ts'
import type { Shared, SharedFilter } from './shared.ts'

type Deps = ReadDeps & { clock: Clock }

/**
 * A page of the repositories that the caller's grants show and that are shared with other accounts, and how many match in
 * all; `isValid` of those of which a share counts now. Throws `unauthenticated` or `credentials_invalid`.
 */
export async function listSharedByOwn(
  deps: Deps,
  caller: Caller & { kind: 'user' },
  query: { filter: SharedFilter; order: RepositoryOrder; limit: number; offset: number },
): Promise<{ repositories: Shared[]; total: number }> {
  const nowMs = deps.clock.nowMs()
  await requireUser(deps, caller)
  if (isAboutOthers(caller, query.filter)) return { repositories: [], total: 0 }
  const { repositories, total } = await listRepositories(deps, caller, {
    ...query,
    filter: repositoryFilterOf(query.filter, nowMs),
    from: { offset: query.offset },
  })
  return { repositories: await withShares(deps, caller, { repositories, nowMs }), total }
}

/** The same by organization and name after one of them, uncounted; see `listRepositoriesAfter`, also for what it throws. */
export async function listSharedByOwnAfter(
  deps: Deps,
  caller: Caller & { kind: 'user' },
  query: { filter: SharedFilter; limit: number; after: number | undefined },
): Promise<{ repositories: Shared<Repository>[]; next: number | undefined }> {
  const nowMs = deps.clock.nowMs()
  const filter = repositoryFilterOf(query.filter, nowMs)
  const { repositories, next } = await listRepositoriesAfter(deps, caller, { ...query, filter })
  return { repositories: await withShares(deps, caller, { repositories, nowMs }), next }
}

function isAboutOthers({ accountName }: { accountName: string }, { ownerName }: SharedFilter): boolean {
  return ownerName !== undefined && ownerName !== accountName
}

function repositoryFilterOf({ ownerName: _, isValid, ...names }: SharedFilter, nowMs: number): RepositoryFilter {
  const ofValidity = isValid ? 'counting' : 'ended'
  return { ...names, shared: { by: isValid === undefined ? 'any' : ofValidity, nowMs } }
}

async function withShares<R extends Repository>(
  { db }: Deps,
  { accountName }: { accountName: string },
  { repositories, nowMs }: { repositories: readonly R[]; nowMs: number },
): Promise<Shared<R>[]> {
  const valid = await sharedNow(db.read, { ids: repositories.map(({ id }) => id), nowMs })
  return repositories.map(each => ({ ...each, ownerName: accountName, isValid: valid.has(each.id) }))
}
