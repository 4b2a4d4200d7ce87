import type { Level } from '../access/level.ts'
import type { Place } from '../access/queries.ts'
import type { Caller, Requester } from '../caller.ts'
import {
  addGrants,
  type ChangedPlace,
  changeGrants,
  type Grant,
  type NewGrant,
  othersOf,
  removeGrants,
} from './change-grants.ts'
import type { Deps, ReadDeps } from './deps.ts'
import { levelAt, organizationOf, organizationUnknown, userOf } from './place.ts'
import {
  findOrganization,
  insertOrganizationGrants,
  listOrganizationGrants,
  takeOrganizationGrants,
} from './queries.ts'

export type OrganizationGrants = {
  id: number
  name: string
  creatorName: string
  /** What the caller may do there, granted or by office. */
  ownLevel: Level
  /** Every grant but the caller's, by the user's name. */
  others: Grant[]
}

/** Throws what `Access.require` throws. */
export async function listGrantsOfOrganization(
  deps: ReadDeps,
  caller: Caller,
  organization: string,
): Promise<OrganizationGrants> {
  const place = { organization }
  const facts = await deps.access.require(caller, 'organization.view-grants', place)
  const { id } = organizationOf(facts, place)
  const { userId } = userOf(facts)
  const [row, grants] = await Promise.all([
    findOrganization(deps.db.read, id, userId),
    listOrganizationGrants(deps.db.read, id),
  ])
  const ownLevel = levelAt(facts)
  if (!row || ownLevel === 0) throw organizationUnknown(place)
  return { id, name: row.name, creatorName: row.creator_name, ownLevel, others: othersOf(grants, userId) }
}

/**
 * Gives rights to users of the account, to all of them or, when one can't have it, to nobody. Throws `grant_exists`,
 * `user_unknown`, `parameter_invalid` and what `Access.require` throws.
 */
export async function grantOrganization(
  deps: Deps,
  by: Requester,
  { organization, grants }: { organization: string; grants: readonly NewGrant[] },
): Promise<void> {
  await addGrants(deps, by, { at: await placeToChange(deps, by, organization), grants })
}

/** Changes levels of grants that are there, all or none. Throws `grant_unknown` and what `grantOrganization` throws. */
export async function changeOrganizationGrants(
  deps: Deps,
  by: Requester,
  { organization, grants }: { organization: string; grants: readonly NewGrant[] },
): Promise<void> {
  await changeGrants(deps, by, { at: await placeToChange(deps, by, organization), grants })
}

/** Takes rights back, all or none. Throws `grant_unknown` and what `Access.require` throws. */
export async function revokeOrganization(
  deps: Deps,
  by: Requester,
  { organization, userIds }: { organization: string; userIds: readonly string[] },
): Promise<void> {
  await removeGrants(deps, by, { at: await placeToChange(deps, by, organization), userIds })
}

async function placeToChange(deps: Deps, by: Requester, organization: string): Promise<ChangedPlace> {
  const place: Place = { organization }
  const { id, accountId } = organizationOf(await deps.access.require(by.caller, 'organization.grant', place), place)
  return {
    place,
    accountId,
    organizationId: id,
    granted: 'organization.granted',
    revoked: 'organization.revoked',
    insert: (tx, rows) =>
      insertOrganizationGrants(
        tx,
        rows.map(row => ({ organization_id: id, ...row })),
      ),
    take: (tx, userIds) => takeOrganizationGrants(tx, id, userIds),
    gone: cause => organizationUnknown(place, cause),
  }
}
