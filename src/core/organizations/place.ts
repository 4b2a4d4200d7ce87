import type { Access } from '../access/access.ts'
import type { Facts, OrganizationFacts, RepositoryFacts, Standing } from '../access/facts.ts'
import { type Level, manageLevel, parseLevel } from '../access/level.ts'
import type { Place } from '../access/queries.ts'
import { countedLevel } from '../access/roles.ts'
import type { Caller } from '../caller.ts'
import { DomainError } from '../errors.ts'

/** A user whose proof counts, with the account that is the user's own. */
export type CurrentUser = Extract<Standing, { kind: 'current' }>

/** Who asks, for lists that show what the caller may see. Throws `unauthenticated` or `credentials_invalid`. */
export async function requireUser({ access }: { access: Access }, caller: Caller): Promise<CurrentUser> {
  return userOf(await access.facts(caller))
}

/** Throws `unauthenticated` or `credentials_invalid`. */
export function userOf({ standing }: Facts): CurrentUser {
  switch (standing.kind) {
    case 'current':
      return standing
    case 'void':
      throw new DomainError('credentials_invalid', 'the login is expired or revoked: log in again')
    case 'anonymous':
      throw new DomainError('unauthenticated', 'log in first')
  }
}

/** The organization that an allowed action resolved to. Throws `organization_unknown`. */
export function organizationOf(facts: Facts, place: Place): OrganizationFacts {
  if (!facts.organization) throw organizationUnknown(place)
  return facts.organization
}

/** The repository that an allowed action resolved to. Throws `repository_unknown`. */
export function repositoryOf(facts: Facts, place: Place): RepositoryFacts {
  if (!facts.repository) throw repositoryUnknown(place)
  return facts.repository
}

/** What the caller may do at a place: the highest of the grants there; administrators of its account manage it. */
export function levelAt({ standing, organization, repository }: Facts): Level | 0 {
  if (standing.kind !== 'current' || organization?.accountId !== standing.accountId) return 0
  if (standing.isAdministrator) return manageLevel
  return countedLevel(standing.role, parseLevel(Math.max(repository?.level ?? 0, organization.level)) ?? 0)
}

export function organizationUnknown(place: Place, cause?: unknown): DomainError {
  const { organization } = place
  const message = `there is no organization ${organization}, or you have no right in it`
  return new DomainError('organization_unknown', message, { place }, { cause })
}

export function repositoryUnknown(place: Place): DomainError {
  const { organization, repository } = place
  return new DomainError('repository_unknown', `there is no repository ${organization}/${repository}`, { place })
}
