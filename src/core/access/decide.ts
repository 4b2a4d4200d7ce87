import type { Caller } from '../caller.ts'
import type { Facts } from './facts.ts'

/** Everything that can be asked for, with who may (the matrix of SWR's permission model). */
const rules = {
  'account.view': { doing: 'see its figures', isRead: true, on: 'account' },
  'account.authorize': { doing: 'let the registry act for it', on: 'account', isAdministrative: true },
  'organization.create': { doing: 'make organizations in it', on: 'account' },
  'organization.view': { doing: 'look into it', isRead: true, on: 'organization', level: 1, orRepositoryGrant: true },
  'organization.view-grants': { doing: 'see who may use it', isRead: true, on: 'organization', level: 1 },
  'organization.grant': { doing: 'say who may use it', on: 'organization', level: 7 },
  'organization.delete': { doing: 'delete it', on: 'organization', level: 7 },
  'repository.create': { doing: 'make a repository in it', on: 'organization', level: 3, scope: 'push' },
  'repository.view': {
    doing: 'look into it',
    isRead: true,
    on: 'repository',
    level: 1,
    orPublicInAccount: true,
    orShared: true,
  },
  'repository.pull': {
    doing: 'pull from it',
    isRead: true,
    on: 'repository',
    level: 1,
    orPublic: true,
    orShared: true,
    scope: 'pull',
  },
  'repository.push': { doing: 'push to it', on: 'repository', level: 3, scope: 'push' },
  'repository.update': { doing: 'change it', on: 'repository', level: 3 },
  'repository.delete': { doing: 'delete it', on: 'repository', level: 7, deletesContent: true },
  'repository.view-shares': { doing: 'see which accounts it is shared with', isRead: true, on: 'repository', level: 1 },
  'repository.share': { doing: 'share it with other accounts', on: 'repository', level: 7 },
  'repository.view-grants': { doing: 'see who may use it', isRead: true, on: 'repository', level: 1 },
  'repository.grant': { doing: 'say who may use it', on: 'repository', level: 7, orOrganizationLevel: 3 },
  'content.delete': {
    doing: 'delete anything in it',
    on: 'repository',
    level: 7,
    scope: 'delete',
    deletesContent: true,
  },
} as const satisfies Record<string, Rule>

export type Action = keyof typeof rules

type Rule = {
  /** What it is, said of its object. */
  doing: string
  on: 'account' | 'organization' | 'repository'
  /** For administrators of the account alone. */
  isAdministrative?: boolean
  level?: number
  orPublic?: boolean
  orPublicInAccount?: boolean
  /** To users of an account that it is shared with, too. */
  orShared?: boolean
  orRepositoryGrant?: boolean
  orOrganizationLevel?: number
  /** Goes on while the registry is read-only. */
  isRead?: boolean
  deletesContent?: boolean
  /** What a docker token has to hold for it. */
  scope?: 'pull' | 'push' | 'delete'
}

export type Decision = { isAllowed: true; reasons: readonly string[] } | Refused

export type Refused = {
  isAllowed: false
  refusal: Refusal
  reasons: readonly string[]
  /** What was asked for, where it is `denied`. */
  asked?: Pick<Rule, 'on' | 'doing'>
}

/**
 * Why not: `void` the proof no longer counts; `anonymous` nobody in particular asks and somebody might be allowed;
 * `absent` the object is not there or nothing of it is visible to the caller; `denied` it is visible and this may not be
 * done to it; `scope` the caller may, but the docker token at hand does not hold it; `read-only` and `deletion-off` the
 * caller may, but the installation takes it from nobody.
 */
export type Refusal = 'void' | 'anonymous' | 'absent' | 'denied' | 'scope' | 'read-only' | 'deletion-off'

/**
 * The one access decision. Pure: it sees only what it is given. `path` is the full repository name that docker scopes
 * are written with.
 */
export function decide(caller: Caller, action: Action, facts: Facts, path?: string): Decision {
  const rule: Rule = rules[action]
  if (facts.standing.kind === 'void') return refuse('void', 'the proof of identity no longer counts')
  const byRight = decideByRight(rule, facts)
  if (!byRight.isAllowed) return byRight
  if (rule.scope && !holdsScope(caller, rule.scope, path)) {
    return refuse('scope', `the token does not hold ${rule.scope} for ${path ?? 'this repository'}`)
  }
  const { readOnlyReason, deletesContent } = facts.switches
  if (!rule.isRead && readOnlyReason !== undefined) {
    return refuse('read-only', `the registry is read-only: ${readOnlyReason}`)
  }
  if (rule.deletesContent && !deletesContent) return refuse('deletion-off', 'this registry deletes nothing')
  return byRight
}

/**
 * True where the right is there, even if the installation takes this from nobody now: a docker token holds the scope all
 * the same, so that who uses it is told of the switch, and not of a right that is missing.
 */
export function holdsRight(decision: Decision): boolean {
  return decision.isAllowed || decision.refusal === 'read-only' || decision.refusal === 'deletion-off'
}

/** True when the organization itself is visible to the caller, and a missing repository may be called by its name. */
export function seesOrganization(facts: Facts): boolean {
  return decideByRight(rules['organization.view'], facts).isAllowed
}

function decideByRight(rule: Rule, facts: Facts): Decision {
  const { standing, organization, repository } = facts
  if (rule.on === 'account') {
    if (standing.kind !== 'current') return refuse('anonymous', 'a login is needed')
    if (!rule.isAdministrative) return allow('a user may do this in the own account')
    if (standing.isAdministrator) return allow('administrator of the account')
    return { ...refuse('denied', 'not an administrator of the account'), asked: rule }
  }
  if (organization === undefined || (rule.on === 'repository' && repository === undefined)) {
    return absent(standing, 'there is no such object')
  }
  const isOwn = standing.kind === 'current' && standing.accountId === organization.accountId
  if (isOwn && standing.isAdministrator) return allow('administrator of the account')
  if (rule.on === 'repository' && repository?.isPublic) {
    if (rule.orPublic) return allow('the repository is public')
    if (rule.orPublicInAccount && isOwn) return allow('the repository is public and of the own account')
  }
  const isShared = rule.on === 'repository' && !isOwn && repository?.sharedUntilMs !== undefined
  if (isShared && rule.orShared) return allow('the repository is shared with the account')
  // Grants bind users of the organization's own account only.
  const organizationLevel = isOwn ? organization.level : 0
  const repositoryLevel = isOwn && rule.on === 'repository' ? (repository?.level ?? 0) : 0
  const level = Math.max(organizationLevel, repositoryLevel)
  if (rule.level !== undefined && level >= rule.level) return allow(`granted ${level}, needs ${rule.level}`)
  if (rule.orOrganizationLevel !== undefined && organizationLevel >= rule.orOrganizationLevel) {
    return allow(`granted ${organizationLevel} on the organization`)
  }
  if (rule.orRepositoryGrant && isOwn && organization.hasRepositoryGrant) return allow('granted a repository of it')
  const isVisible =
    level > 0 ||
    isShared ||
    (rule.on === 'organization' && isOwn && organization.hasRepositoryGrant) ||
    (rule.on === 'repository' && repository?.isPublic === true)
  if (!isVisible) return absent(standing, 'nothing of it is visible to the caller')
  if (standing.kind === 'anonymous') return refuse('anonymous', 'a login is needed')
  return { ...refuse('denied', `granted ${level}, needs ${rule.level ?? 'more'}`), asked: rule }
}

/** To nobody in particular everything unseen looks alike: log in first. */
function absent(standing: Facts['standing'], reason: string): Decision {
  return refuse(standing.kind === 'anonymous' ? 'anonymous' : 'absent', reason)
}

function holdsScope(caller: Caller, action: string, path: string | undefined): boolean {
  if (caller.scopes === undefined) return true
  return caller.scopes.some(
    scope =>
      scope.type === 'repository' &&
      scope.name === path &&
      (scope.actions.includes(action) || scope.actions.includes('*')),
  )
}

function allow(reason: string): Decision {
  return { isAllowed: true, reasons: [reason] }
}

function refuse(refusal: Refusal, reason: string): Refused {
  return { isAllowed: false, refusal, reasons: [reason] }
}
