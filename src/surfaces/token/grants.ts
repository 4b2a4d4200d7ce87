import type { Access } from '../../core/access/access.ts'
import { type Action, decide, holdsRight } from '../../core/access/decide.ts'
import type { Facts } from '../../core/access/facts.ts'
import type { Caller, GrantedScope } from '../../core/caller.ts'
import { DomainError } from '../../core/errors.ts'
import type { Scope } from '../../protocol/auth/scopes.ts'
import { parseRepositoryPath, splitRepositoryPath } from '../../protocol/oci/names.ts'

/**
 * The part of what was asked for that this caller may do now; scopes of which nothing is left are left out. What is not
 * there and what the caller does not see give the same nothing (invariant 4). Throws `credentials_invalid` when the
 * caller's proof no longer counts.
 */
export async function grantScopes(access: Access, caller: Caller, asked: readonly Scope[]): Promise<GrantedScope[]> {
  requireStanding(await access.facts(caller))
  const granted: GrantedScope[] = []
  // One after the other: a request with many scopes must not take the database from the others.
  for (const scope of asked) {
    const actions = await grantActions(access, caller, scope)
    if (actions.length > 0) granted.push({ type: scope.type, name: scope.name, actions })
  }
  return granted
}

async function grantActions(access: Access, caller: Caller, scope: Scope): Promise<readonly string[]> {
  if (scope.type === 'registry') return grantCatalog(caller, scope)
  if (scope.type !== 'repository') return []
  const path = parseRepositoryPath(scope.name)
  const place = path && splitRepositoryPath(path)
  if (!place) return []
  const facts = await access.facts(caller, place)
  const allowed = repositoryActions.filter(action => isAllowed(caller, facts, action))
  if (scope.actions.includes('*')) {
    return allowed.length === repositoryActions.length ? [...allowed, '*'] : allowed
  }
  return scope.actions.filter(action => allowed.some(one => one === action))
}

const repositoryActions = ['pull', 'push', 'delete'] as const

function isAllowed(caller: Caller, facts: Facts, action: (typeof repositoryActions)[number]): boolean {
  const may = (wanted: Action) => holdsRight(decide(caller, wanted, facts))
  // A push makes the repository; until then the right to make it stands for the rights its creator will have in it.
  const isNewForCaller = facts.organization !== undefined && facts.repository === undefined && may('repository.create')
  switch (action) {
    case 'pull':
      return isNewForCaller || may('repository.pull')
    case 'push':
      return isNewForCaller || may('repository.push')
    case 'delete':
      return may('content.delete')
  }
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
