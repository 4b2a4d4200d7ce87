import type { Caller, GrantedScope } from '../caller.ts'
import type { Facts } from './facts.ts'
import { countedLevel, type Powers, powersOf } from './roles.ts'

/** Everything that can be asked for, with who may (the matrix of SWR's permission model). */
const rules = {
  'login.create': { doing: 'make logins with an end', isRead: true, on: 'account' },
  'account.view': { doing: 'see its figures', isRead: true, on: 'account' },
  'account.authorize': { doing: 'let the registry act for it', on: 'account', power: 'isAdministrator' },
  'organization.create': { doing: 'make organizations in it', on: 'account', power: 'makesOrganizations' },
  'user.manage': { doing: 'manage its users', on: 'account', power: 'managesUsers' },
  'user.change-oneself': { doing: 'change the own login', on: 'account' },
  'token.inspect': { doing: 'look at the logins of its users', isRead: true, on: 'account', power: 'managesUsers' },
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
  'retention.view': {
    doing: 'see how long its images stay',
    isRead: true,
    on: 'repository',
    level: 1,
    orPublicInAccount: true,
  },
  'retention.change': {
    doing: 'say how long its images stay',
    on: 'repository',
    level: 7,
    deletesContent: true,
  },
  'retention.delete': { doing: 'say how long its images stay', on: 'repository', level: 7 },
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
  level?: number
  /** What the role has to hold for something of the account. */
  power?: keyof Powers
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
  /** Everything that was looked at on the way, for the log and for `stower explain`. */
  looked: readonly Looked[]
  /** What was asked for, where it is `denied`. */
  asked?: Pick<Rule, 'on' | 'doing'>
}

/** One rule that was looked at, and what it says here. */
export type Looked = { rule: string; holds: boolean; because: string }

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
  const decision = judge({ caller, rule: rules[action], facts, path })
  // Seldom, so that what is allowed costs no words.
  return decision.isAllowed ? decision : explain(caller, action, facts, path).decision
}

/** The same decision with every rule that was looked at; the last one decided. */
export function explain(
  caller: Caller,
  action: Action,
  facts: Facts,
  path?: string,
): { decision: Decision; looked: readonly Looked[] } {
  const looked: Looked[] = []
  const look: Look = (rule, holds, because) => void looked.push({ rule, holds, because })
  const decision = judge({ caller, rule: rules[action], facts, path, look })
  return { decision: decision.isAllowed ? decision : { ...decision, looked }, looked }
}

export const actions = Object.keys(rules) as readonly Action[]

type Look = (rule: string, holds: boolean, because: string) => void

type Case = { caller: Caller; rule: Rule; facts: Facts; path?: string | undefined; look?: Look | undefined }

function judge({ caller, rule, facts, path, look }: Case): Decision {
  const isVoid = facts.standing.kind === 'void'
  look?.('the proof of identity counts', !isVoid, `it is ${facts.standing.kind}`)
  if (isVoid) return refuse('void', 'the proof of identity no longer counts')
  const byRight = decideByRight(rule, facts, look)
  if (!byRight.isAllowed) return byRight
  if (rule.scope && caller.scopes !== undefined) {
    const holds = holdsScope(caller.scopes, rule.scope, path)
    look?.(`the docker token holds ${rule.scope}`, holds, `of ${path ?? 'this repository'}`)
    if (!holds) return refuse('scope', `the token does not hold ${rule.scope} for ${path ?? 'this repository'}`)
  }
  const { readOnlyReason, deletesContent } = facts.switches
  if (!rule.isRead && readOnlyReason !== undefined) {
    look?.('the registry takes changes', false, readOnlyReason)
    return refuse('read-only', `the registry is read-only: ${readOnlyReason}`)
  }
  if (rule.deletesContent && !deletesContent) {
    look?.('the registry deletes content', false, 'delete_enabled is false')
    return refuse('deletion-off', 'this registry deletes nothing')
  }
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

function decideByRight(rule: Rule, facts: Facts, look?: Look): Decision {
  const { standing, organization, repository } = facts
  if (rule.on === 'account') return decideInAccount(rule, standing, look)
  const isThere = organization !== undefined && (rule.on !== 'repository' || repository !== undefined)
  look?.('the object is there', isThere, isThere ? 'it was found by its name' : 'nothing has this name')
  if (organization === undefined || !isThere) return absent(standing, 'there is no such object')
  const isOwn = standing.kind === 'current' && standing.accountId === organization.accountId
  look?.('it is of the caller’s own account', isOwn, `the caller is ${standing.kind}`)
  const isAdministrator = isOwn && standing.isAdministrator
  look?.('the caller manages everything of the account', isAdministrator, roleSentence(standing))
  if (isAdministrator) return allow('administrator of the account')
  if (rule.on === 'repository' && repository) {
    const isOpen = repository.isPublic && (rule.orPublic === true || (rule.orPublicInAccount === true && isOwn))
    look?.('being public is enough', isOpen, `the repository is ${repository.isPublic ? 'public' : 'private'}`)
    if (isOpen) return allow(rule.orPublic ? 'the repository is public' : 'the repository is public, in the account')
  }
  const isShared = rule.on === 'repository' && !isOwn && repository?.sharedUntilMs !== undefined
  if (rule.orShared) {
    look?.('being shared with the caller’s account is enough', isShared, isShared ? 'it is shared' : 'it is not shared')
    if (isShared) return allow('the repository is shared with the account')
  }
  // Grants bind users of the organization's own account only.
  const organizationLevel = isOwn ? countedLevel(standing.role, organization.level) : 0
  const repositoryLevel = isOwn && rule.on === 'repository' ? countedLevel(standing.role, repository?.level ?? 0) : 0
  const level = Math.max(organizationLevel, repositoryLevel)
  const grants = () =>
    `${organizationLevel} on the organization${rule.on === 'repository' ? `, ${repositoryLevel} on the repository` : ''}`
  if (rule.level !== undefined) {
    look?.(`a grant of ${rule.level}`, level >= rule.level, `there is ${grants()}`)
    if (level >= rule.level) return allow(`granted ${level}, needs ${rule.level}`)
  }
  if (rule.orOrganizationLevel !== undefined) {
    const holds = organizationLevel >= rule.orOrganizationLevel
    look?.(`a grant of ${rule.orOrganizationLevel} on the organization`, holds, `there is ${grants()}`)
    if (holds) return allow(`granted ${organizationLevel} on the organization`)
  }
  if (rule.orRepositoryGrant) {
    const holds = isOwn && organization.hasRepositoryGrant
    look?.('a grant on a repository of it', holds, holds ? 'there is one' : 'there is none')
    if (holds) return allow('granted a repository of it')
  }
  const isVisible =
    level > 0 ||
    isShared ||
    (rule.on === 'organization' && isOwn && organization.hasRepositoryGrant) ||
    (rule.on === 'repository' && repository?.isPublic === true)
  look?.('something of it is visible to the caller', isVisible, isVisible ? 'so it is no secret' : 'so it looks absent')
  if (!isVisible) return absent(standing, 'nothing of it is visible to the caller')
  if (standing.kind === 'anonymous') return refuse('anonymous', 'a login is needed')
  return { ...refuse('denied', `granted ${level}, needs ${rule.level ?? 'more'}`), asked: rule }
}

function decideInAccount(rule: Rule, standing: Facts['standing'], look?: Look): Decision {
  look?.('a login', standing.kind === 'current', `the caller is ${standing.kind}`)
  if (standing.kind !== 'current') return refuse('anonymous', 'a login is needed')
  if (rule.power === undefined) return allow('a user may do this in the own account')
  const holds = powersOf[standing.role][rule.power] === true
  look?.(`a role that may ${rule.doing}`, holds, roleSentence(standing))
  if (holds) return allow(`the role ${standing.role} may ${rule.doing}`)
  return { ...refuse('denied', `the role ${standing.role} may not ${rule.doing}`), asked: rule }
}

function roleSentence(standing: Facts['standing']): string {
  return standing.kind === 'current' ? `the role is ${standing.role}` : 'nobody in particular has no role'
}

/** To nobody in particular everything unseen looks alike: log in first. */
function absent(standing: Facts['standing'], reason: string): Decision {
  return refuse(standing.kind === 'anonymous' ? 'anonymous' : 'absent', reason)
}

function holdsScope(scopes: readonly GrantedScope[], action: string, path: string | undefined): boolean {
  return scopes.some(
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
  return { isAllowed: false, refusal, reasons: [reason], looked: [] }
}
