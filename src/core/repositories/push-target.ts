import type { Database } from '../../metadata/database.ts'
import { type Access, pathOf, requireAllowed } from '../access/access.ts'
import { type Action, decide } from '../access/decide.ts'
import type { Facts } from '../access/facts.ts'
import type { Place } from '../access/queries.ts'
import type { Requester } from '../caller.ts'
import type { Clock } from '../clock.ts'
import { DomainError, isDomainError } from '../errors.ts'
import { insertRepository } from './insert-repository.ts'

/** The repository that a command on content works in, resolved by names and rights at its start. */
export type Target = { repositoryId: number; organizationId: number; accountId: string; path: string }

type Deps = { db: Database; access: Access; clock: Clock }

/** The repository, for a caller who may do this in it. Throws what `Access.require` throws. */
export async function requireRepository(
  deps: Pick<Deps, 'access'>,
  by: Requester,
  place: Required<Place>,
  action: Action,
): Promise<Target> {
  return targetOf(await deps.access.require(by.caller, action, place), place)
}

/**
 * The repository to push to. A missing one is made, private and of the category `other`, when its organization is there
 * and the caller may; an organization is never made.
 */
export async function ensureRepository(deps: Deps, by: Requester, place: Required<Place>): Promise<Target> {
  const facts = await deps.access.facts(by.caller, place)
  const action = facts.repository ? 'repository.push' : 'repository.create'
  requireAllowed(decide(by.caller, action, facts, pathOf(place)), facts, place)
  if (facts.repository) return targetOf(facts, place)
  const { organization } = facts
  if (!organization) throw unknown(place)
  try {
    const id = await deps.db.write(tx =>
      insertRepository(tx, by, {
        organizationId: organization.id,
        accountId: organization.accountId,
        name: place.repository,
        isPublic: false,
        category: 'other',
        description: '',
        nowMs: deps.clock.nowMs(),
      }),
    )
    return { repositoryId: id, organizationId: organization.id, accountId: organization.accountId, path: pathTo(place) }
  } catch (error) {
    // Layers are pushed side by side: another request of the same push may have made it meanwhile.
    if (!isDomainError(error, 'repository_exists')) throw error
    return requireRepository(deps, by, place, 'repository.push')
  }
}

function targetOf(facts: Facts, place: Required<Place>): Target {
  const { organization, repository } = facts
  if (!organization || !repository) throw unknown(place)
  return {
    repositoryId: repository.id,
    organizationId: organization.id,
    accountId: organization.accountId,
    path: pathTo(place),
  }
}

function pathTo(place: Required<Place>): string {
  return `${place.organization}/${place.repository}`
}

function unknown(place: Place): DomainError {
  return new DomainError('repository_unknown', `there is no repository ${pathOf(place)}`, { place })
}
