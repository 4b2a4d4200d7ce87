import type { Transaction } from '../../metadata/database.ts'
import { type Access, pathOf, requireAllowed } from '../access/access.ts'
import { type Action, decide } from '../access/decide.ts'
import type { Facts } from '../access/facts.ts'
import type { Place } from '../access/queries.ts'
import type { QuotaLimits } from '../access/switches.ts'
import type { Requester } from '../caller.ts'
import { DomainError, isDomainError } from '../errors.ts'
import { insertRepository, requireRepositoryName } from './insert-repository.ts'
import { findRepositoryId } from './queries.ts'

/** The repository that a command on content works in, resolved by names and rights at its start. */
export type Target = {
  repositoryId: number
  organizationId: number
  accountId: string
  path: string
  quotas: QuotaLimits
}

type Deps = { access: Access }

/** The repository, for a caller who may do this in it. Throws what `Access.require` throws. */
export async function requireRepository(
  deps: Deps,
  by: Requester,
  place: Required<Place>,
  action: Action,
): Promise<Target> {
  return targetOf(await deps.access.require(by.caller, action, place), place)
}

/** Where a push goes: a repository, or one that the push is to make. */
export type PushTarget = Omit<Target, 'repositoryId'> & { name: string; repositoryId: number | undefined }

/**
 * The repository to push to, for a caller who may. A missing one is to be made (`settleTarget`) when its organization is
 * there and the caller may make it; an organization is never made. Throws what `Access.require` throws.
 */
export async function findPushTarget(deps: Deps, by: Requester, place: Required<Place>): Promise<PushTarget> {
  const facts = await deps.access.facts(by.caller, place)
  const action = actionOfPush(facts)
  requireAllowed(decide(by.caller, action, facts, pathOf(place)), facts, place)
  const { organization, repository } = facts
  if (!organization) throw unknown(place)
  if (!repository) requireRepositoryName(place.repository)
  return {
    organizationId: organization.id,
    accountId: organization.accountId,
    path: pathTo(place),
    quotas: facts.switches.quotas,
    name: place.repository,
    repositoryId: repository?.id,
  }
}

/** What a push asks for: to make the repository, where it is missing and the caller may know that. */
export function actionOfPush(facts: Facts): 'repository.create' | 'repository.push' {
  return mayLearnNames(facts) && !facts.repository ? 'repository.create' : 'repository.push'
}

/**
 * The target as a repository that is there, made in this transaction where it was missing: private, and of the category
 * `other`. Layers are pushed side by side, so another request of the same push may have made it meanwhile.
 */
export async function settleTarget(tx: Transaction, by: Requester, target: PushTarget, nowMs: number): Promise<Target> {
  const { organizationId, accountId, path, quotas, name } = target
  const find = () => findRepositoryId(tx, organizationId, name)
  const make = () =>
    insertRepository(tx, by, {
      organizationId,
      accountId,
      name,
      isPublic: false,
      category: 'other',
      description: '',
      nowMs,
      quotas,
    }).catch(async error => (isDomainError(error, 'repository_exists') && (await find())) || Promise.reject(error))
  const repositoryId = target.repositoryId ?? (await find()) ?? (await make())
  return { repositoryId, organizationId, accountId, path, quotas }
}

/** Of a repository that was there when the request began. */
export function deletedMeanwhile(target: Target, cause?: unknown): DomainError {
  return new DomainError('repository_unknown', `the repository ${target.path} was deleted meanwhile`, {}, { cause })
}

/**
 * Who sees every name of the organization may be told that one is missing. To others a missing repository and one they
 * don't see are answered alike (invariant 4).
 */
function mayLearnNames({ standing, organization }: Facts): boolean {
  const isOwn = standing.kind === 'current' && standing.accountId === organization?.accountId
  return isOwn && (standing.isAdministrator || organization.level > 0)
}

function targetOf(facts: Facts, place: Required<Place>): Target {
  const { organization, repository } = facts
  if (!organization || !repository) throw unknown(place)
  return {
    repositoryId: repository.id,
    organizationId: organization.id,
    accountId: organization.accountId,
    path: pathTo(place),
    quotas: facts.switches.quotas,
  }
}

function pathTo(place: Required<Place>): string {
  return `${place.organization}/${place.repository}`
}

function unknown(place: Place): DomainError {
  return new DomainError('repository_unknown', `there is no repository ${pathOf(place)}`, { place })
}
