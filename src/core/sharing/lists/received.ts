import type { Caller } from '../../caller.ts'
import type { Clock } from '../../clock.ts'
import type { ReadDeps } from '../../organizations/deps.ts'
import { requireUser } from '../../organizations/place.ts'
import { readListed } from '../../repositories/list/list-repositories.ts'
import { type Repository, readRepositories } from '../../repositories/read-repositories.ts'
import { countReceived, pageOfReceived, type ReceivedOrder, receivedAfter, receivedTerms } from './queries.ts'
import type { Shared, SharedFilter } from './shared.ts'

type Deps = ReadDeps & { clock: Clock }

/**
 * A page of the repositories that other accounts share with the caller's, ended shares included, and how many match in
 * all. Every user of the account sees all of them. Throws `unauthenticated` or `credentials_invalid`.
 */
export async function listReceived(
  deps: Deps,
  caller: Caller,
  query: { filter: SharedFilter; order: ReceivedOrder; limit: number; offset: number },
): Promise<{ repositories: Shared[]; total: number }> {
  const asked = { ...query, ...(await receiverOf(deps, caller)) }
  const [ids, total] = await Promise.all([pageOfReceived(deps.db, asked), countReceived(deps.db, asked)])
  return { repositories: await withTerms(deps, asked, await readListed(deps.db, ids)), total }
}

/** The same in the order of their ids after one, uncounted; `next` is undefined on the last page. */
export async function listReceivedAfter(
  deps: Deps,
  caller: Caller,
  query: { filter: SharedFilter; limit: number; after: number | undefined },
): Promise<{ repositories: Shared<Repository>[]; next: number | undefined }> {
  const asked = { ...query, ...(await receiverOf(deps, caller)) }
  const ids = await receivedAfter(deps.db, { ...asked, after: query.after ?? 0, limit: query.limit + 1 })
  const page = ids.slice(0, query.limit)
  const repositories = await withTerms(deps, asked, await readRepositories(deps.db, page))
  return { repositories, next: ids.length > page.length ? page.at(-1) : undefined }
}

type Receiver = { accountId: string; nowMs: number }

async function receiverOf(deps: Deps, caller: Caller): Promise<Receiver> {
  const { accountId } = await requireUser(deps, caller)
  return { accountId, nowMs: deps.clock.nowMs() }
}

/** Without those whose share went meanwhile. */
async function withTerms<R extends Repository>(
  { db }: Deps,
  { accountId, nowMs }: Receiver,
  repositories: readonly R[],
): Promise<Shared<R>[]> {
  const terms = await receivedTerms(db.read, { accountId, ids: repositories.map(({ id }) => id) })
  return repositories.flatMap(each => {
    const found = terms.get(each.id)
    if (!found) return []
    const isValid = nowMs < found.endsMs
    const shown = isValid || each.isPublic ? each : withoutContent(each)
    return { ...shown, creatorId: '', creatorName: '', ownerName: found.ownerName, isValid }
  })
}

/** A share that has ended is still listed, but tells no more what is in the repository. */
function withoutContent<R extends Repository>(repository: R): R {
  return { ...repository, sizeBytes: 0, tagCount: 0, pullCount: 0, ...('tags' in repository && { tags: [] }) }
}
