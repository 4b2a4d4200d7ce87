import type { Place } from '../access/queries.ts'
import type { Caller } from '../caller.ts'
import type { Clock } from '../clock.ts'
import type { ReadDeps } from '../organizations/deps.ts'
import { repositoryOf } from '../organizations/place.ts'
import { countSharesOf, listSharesOf, type ShareRow } from './queries.ts'
import { findReceiver } from './shares.ts'

/** A share as it is shown to those who see the repository in its own account. */
export type Share = {
  accountName: string
  /** As it was sent. */
  deadline: string
  description: string
  creatorId: string
  creatorName: string
  createdMs: number
  updatedMs: number
  /** False once it has ended. */
  isValid: boolean
}

type Deps = ReadDeps & { clock: Clock }

/** A page of a repository's shares by the names of accounts, and how many it has. Throws what `Access.require` throws. */
export async function listShares(
  deps: Deps,
  caller: Caller,
  { place, limit, offset }: { place: Required<Place>; limit: number; offset: number },
): Promise<{ shares: Share[]; total: number }> {
  const repositoryId = await requireViewed(deps, caller, place)
  const { read } = deps.db
  const [rows, total] = await Promise.all([
    listSharesOf(read, { repositoryId, limit, offset }),
    countSharesOf(read, repositoryId),
  ])
  const nowMs = deps.clock.nowMs()
  return { shares: rows.map(row => shareFrom(row, nowMs)), total }
}

/** The share with one account, if there is one. Throws what `Access.require` throws. */
export async function findShare(
  deps: Deps,
  caller: Caller,
  { place, accountName }: { place: Required<Place>; accountName: string },
): Promise<Share | undefined> {
  const repositoryId = await requireViewed(deps, caller, place)
  const receiver = await findReceiver(deps, accountName)
  if (!receiver) return undefined
  const [row] = await listSharesOf(deps.db.read, { repositoryId, accountId: receiver.id, limit: 1, offset: 0 })
  return row && shareFrom(row, deps.clock.nowMs())
}

async function requireViewed({ access }: ReadDeps, caller: Caller, place: Required<Place>): Promise<number> {
  return repositoryOf(await access.require(caller, 'repository.view-shares', place), place).id
}

function shareFrom(row: ShareRow, nowMs: number): Share {
  return {
    accountName: row.account_name,
    deadline: row.deadline,
    description: row.description,
    creatorId: row.creator_id,
    creatorName: row.creator_name,
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
    isValid: nowMs < row.ends_ms,
  }
}
