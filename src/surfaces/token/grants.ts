import type { Access } from '../../core/access/access.ts'
import { type Action, type Decision, decide, holdsRight } from '../../core/access/decide.ts'
import type { Facts } from '../../core/access/facts.ts'
import type { Caller, GrantedScope } from '../../core/caller.ts'
import { DomainError } from '../../core/errors.ts'
import type { Scope } from '../../protocol/auth/scopes.ts'
import { parseRepositoryPath, splitRepositoryPath } from '../../protocol/oci/names.ts'

/** Refused actions that the access line names; what comes after them is like them. */
const mostNamed = 16

/**
 * The part of what was asked for that this caller may do now; scopes of which nothing is left are left out. What is not
 * there and what the caller does not see give the same nothing (invariant 4). `refused` says for the log why the rest is
 * missing. Throws `credentials_invalid` when the caller's proof no longer counts.
 */
export async function grantScopes(
  access: Access,
  caller: Caller,
  asked: readonly Scope[],
): Promise<{ granted: GrantedScope[]; refused: string[] }> {
  requireStanding(await access.facts(caller))
  const granted: GrantedScope[] = []
  const refused: string[] = []
  const note = (scope: Scope, action: string, decision: Decision) => {
    if (refused.length < mostNamed) refused.push(`${action} ${scope.name}: ${decision.reasons.join('; ')}`)
  }
  // One after the other: a request with many scopes must not take the database from the others.
  for (const scope of asked) {
    const actions = await grantActions(access, caller, { scope, note })
    if (actions.length > 0) granted.push({ type: scope.type, name: scope.name, actions })
  }
  return { granted, refused }
}

type Note = (scope: Scope, action: string, decision: Decision) => void

async function grantActions(
  access: Access,
  caller: Caller,
  { scope, note }: { scope: Scope; note: Note },
): Promise<readonly string[]> {
  if (scope.type === 'registry') return grantCatalog(caller, scope)
  if (scope.type !== 'repository') return []
  const path = parseRepositoryPath(scope.name)
  const place = path && splitRepositoryPath(path)
  if (!place) return []
  const facts = await access.facts(caller, place)
  const wantsAll = scope.actions.includes('*')
  const allowed = repositoryActions.filter(action => {
    if (!wantsAll && !scope.actions.includes(action)) return false
    const decision = decisionOn(caller, facts, action)
    if (!holdsRight(decision)) note(scope, action, decision)
    return holdsRight(decision)
  })
  if (wantsAll) return allowed.length === repositoryActions.length ? [...allowed, '*'] : allowed
  return scope.actions.filter(action => allowed.some(one => one === action))
}

const repositoryActions = ['pull', 'push', 'delete'] as const

function decisionOn(caller: Caller, facts: Facts, action: (typeof repositoryActions)[number]): Decision {
  const may = (wanted: Action) => decide(caller, wanted, facts)
  if (action === 'delete') return may('content.delete')
  // A push makes the repository; until then the right to make it stands for the rights its creator will have in it.
  if (facts.organization !== undefined && facts.repository === undefined) {
    const making = may('repository.create')
    if (holdsRight(making)) return making
  }
  return may(action === 'pull' ? 'repository.pull' : 'repository.push')
}

/** The catalog holds only what its reader may pull, so every known user may ask for it. */
function grantCatalog(caller: Caller, scope: Scope): readonly string[] {
  return scope.name === 'catalog' && caller.kind === 'user' && scope.actions.includes('*') ? ['*'] : []
}

function requireStanding(facts: Facts): void {
  if (facts.standing.kind === 'void') {
    throw new DomainError('credentials_invalid', 'the user or the access key is disabled')
  }
}
