import { isForeignKeyViolation } from '../../metadata/dialects.ts'
import { type OrganizationName, reservationOf } from '../../protocol/manage/names.ts'
import { type Level, manageLevel, parseLevel } from '../access/level.ts'
import { countedLevel } from '../access/roles.ts'
import type { Caller, Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { actorOf, recordEvent } from '../events.ts'
import { requireRoom } from '../quotas/require-room.ts'
import { addToTotal, deleteTotals } from '../totals.ts'
import type { Deps, ReadDeps } from './deps.ts'
import { levelAt, organizationOf, organizationUnknown, requireUser, userOf } from './place.ts'
import {
  deleteEmptyOrganization,
  findOrganization,
  hasOrganization,
  insertOrganization,
  insertOrganizationGrants,
  listOrganizations,
  type OrganizationRow,
} from './queries.ts'

export type Organization = {
  id: number
  name: string
  creatorName: string
  /** What the caller may do in all of it; 0 where only some of its repositories are visible to the caller. */
  level: Level | 0
  repositoryCount: number
  grantCount: number
}

/**
 * Makes an organization in the caller's account, with a grant for its creator. Throws `unauthenticated`,
 * `credentials_invalid`, `organization_name_invalid` for a reserved name, `organization_exists` for one that is taken in
 * whatever account: the first component of a docker path belongs to one organization of the installation. Throws
 * `quota_exceeded` where the account has as many as it may.
 */
export async function createOrganization(deps: Deps, by: Requester, name: OrganizationName): Promise<void> {
  const facts = await deps.access.require(by.caller, 'organization.create')
  const { accountId, userId } = userOf(facts)
  const reason = reservationOf(name)
  if (reason !== undefined) {
    throw new DomainError('organization_name_invalid', `no organization may be called ${name}`, { reason })
  }
  const nowMs = deps.clock.nowMs()
  await deps.db.write(async tx => {
    const id = await insertOrganization(tx, {
      account_id: accountId,
      name,
      creator_id: userId,
      creator_name: actorOf(by).name,
      created_ms: nowMs,
    })
    if (id === undefined) throw new DomainError('organization_exists', `the name ${name} is taken`, { name })
    await requireRoom(tx, facts.switches.quotas, { kind: 'organizations', accountId, adding: 1 })
    await insertOrganizationGrants(tx, [
      { organization_id: id, user_id: userId, level: manageLevel, created_ms: nowMs },
    ])
    await addToTotal(tx, `account:${accountId}`, 'organizations', 1)
    await recordEvent(tx, by, {
      kind: 'organization.created',
      atMs: nowMs,
      accountId,
      organizationId: id,
      detail: { organization: name },
    })
  })
}

/**
 * Organizations the caller holds a grant on, by name; `includeVisible` adds those in which only repositories are
 * granted. Administrators see all of their account. Throws `unauthenticated` or `credentials_invalid`.
 */
export async function listOrganizationsOf(
  deps: ReadDeps,
  caller: Caller,
  wanted: { includeVisible: boolean; name: string | undefined },
): Promise<Organization[]> {
  const { accountId, userId, isAdministrator, role } = await requireUser(deps, caller)
  const visibleTo = wanted.includeVisible ? 'repository-granted' : 'granted'
  const rows = await listOrganizations(deps.db.read, {
    accountId,
    userId,
    visibleTo: isAdministrator ? 'administrator' : visibleTo,
    name: wanted.name,
  })
  const levelOf = (row: OrganizationRow) => countedLevel(role, parseLevel(row.level) ?? 0)
  return rows.map(row => organizationFrom(row, isAdministrator ? manageLevel : levelOf(row)))
}

/** Throws what `Access.require` throws. */
export async function getOrganization(deps: ReadDeps, caller: Caller, name: string): Promise<Organization> {
  const place = { organization: name }
  const facts = await deps.access.require(caller, 'organization.view', place)
  const row = await findOrganization(deps.db.read, organizationOf(facts, place).id, userOf(facts).userId)
  if (!row) throw organizationUnknown(place)
  return organizationFrom(row, levelAt(facts))
}

/** Removes an organization and its grants. Throws `organization_not_empty` and what `Access.require` throws. */
export async function deleteOrganization(deps: Deps, by: Requester, name: string): Promise<void> {
  const place = { organization: name }
  const { id, accountId } = organizationOf(await deps.access.require(by.caller, 'organization.delete', place), place)
  const atMs = deps.clock.nowMs()
  await deps.db.write(async tx => {
    const isDeleted = await deleteEmptyOrganization(tx, id).catch(cause => {
      // A repository that was made while this waited for the row.
      throw isForeignKeyViolation(cause) ? notEmpty(name, cause) : cause
    })
    if (!isDeleted) throw (await hasOrganization(tx, id)) ? notEmpty(name) : organizationUnknown(place)
    await deleteTotals(tx, `organization:${id}`)
    await addToTotal(tx, `account:${accountId}`, 'organizations', -1)
    await recordEvent(tx, by, {
      kind: 'organization.deleted',
      atMs,
      accountId,
      organizationId: id,
      detail: { organization: name },
    })
  })
}

function organizationFrom(row: OrganizationRow, level: Level | 0): Organization {
  return {
    id: row.id,
    name: row.name,
    creatorName: row.creator_name,
    level,
    repositoryCount: row.repository_count,
    grantCount: row.grant_count,
  }
}

function notEmpty(name: string, cause?: unknown): DomainError {
  return new DomainError('organization_not_empty', `${name} has repositories: delete them first`, { name }, { cause })
}
