import type { Level } from '../access/level.ts'
import type { Place } from '../access/queries.ts'
import type { Caller, Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import {
  addGrants,
  type ChangedPlace,
  changeGrants,
  type Grant,
  type NewGrant,
  othersOf,
  removeGrants,
} from '../organizations/change-grants.ts'
import type { Deps, ReadDeps } from '../organizations/deps.ts'
import { levelAt, organizationOf, repositoryOf, repositoryUnknown, userOf } from '../organizations/place.ts'
import { insertRepositoryGrants, listRepositoryGrants, takeRepositoryGrants } from './queries.ts'

export type RepositoryGrants = {
  id: number
  name: string
  /** What the caller may do there, by whatever grant or office. */
  ownLevel: Level
  /** Every grant on the repository itself but the caller's, by the user's name. */
  others: Grant[]
}

/** Throws what `Access.require` throws. */
export async function listGrantsOfRepository(
  deps: ReadDeps,
  caller: Caller,
  place: Required<Place>,
): Promise<RepositoryGrants> {
  const facts = await deps.access.require(caller, 'repository.view-grants', place)
  const { id } = repositoryOf(facts, place)
  const ownLevel = levelAt(facts)
  if (ownLevel === 0) throw repositoryUnknown(place)
  const grants = await listRepositoryGrants(deps.db.read, id)
  return { id, name: place.repository, ownLevel, others: othersOf(grants, userOf(facts).userId) }
}

/**
 * Gives rights to other users of the account, to all of them or, when one can't have it, to nobody. Throws
 * `grant_exists`, `user_unknown`, `parameter_invalid` (oneself among them) and what `Access.require` throws.
 */
export async function grantRepository(
  deps: Deps,
  by: Requester,
  { place, grants }: { place: Required<Place>; grants: readonly NewGrant[] },
): Promise<void> {
  const at = await placeToChange(deps, by, place)
  refuseOneself(by, grants)
  await addGrants(deps, by, { at, grants })
}

/** Changes levels of grants that are there, all or none. Throws `grant_unknown` and what `grantRepository` throws. */
export async function changeRepositoryGrants(
  deps: Deps,
  by: Requester,
  { place, grants }: { place: Required<Place>; grants: readonly NewGrant[] },
): Promise<void> {
  const at = await placeToChange(deps, by, place)
  refuseOneself(by, grants)
  await changeGrants(deps, by, { at, grants })
}

/** Takes rights back, all or none. Throws `grant_unknown` and what `Access.require` throws. */
export async function revokeRepository(
  deps: Deps,
  by: Requester,
  { place, userIds }: { place: Required<Place>; userIds: readonly string[] },
): Promise<void> {
  await removeGrants(deps, by, { at: await placeToChange(deps, by, place), userIds })
}

/** Who may write in the organization may grant rights on its images, and must not raise the own ones that way. */
function refuseOneself(by: Requester, grants: readonly NewGrant[]): void {
  const { caller } = by
  if (caller.kind !== 'user' || grants.every(grant => grant.userId !== caller.userId)) return
  throw new DomainError('parameter_invalid', 'a permission on an image is for other users', { parameter: 'user_id' })
}

async function placeToChange(deps: Deps, by: Requester, place: Required<Place>): Promise<ChangedPlace> {
  const facts = await deps.access.require(by.caller, 'repository.grant', place)
  const { id } = repositoryOf(facts, place)
  const { id: organizationId, accountId } = organizationOf(facts, place)
  return {
    place,
    accountId,
    organizationId,
    repositoryId: id,
    granted: 'repository.granted',
    revoked: 'repository.revoked',
    insert: (tx, rows) =>
      insertRepositoryGrants(
        tx,
        rows.map(row => ({ repository_id: id, ...row })),
      ),
    take: (tx, userIds) => takeRepositoryGrants(tx, id, userIds),
    gone: () => repositoryUnknown(place),
  }
}
