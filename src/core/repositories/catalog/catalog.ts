import type { Database } from '../../../metadata/database.ts'
import type { Access } from '../../access/access.ts'
import type { Caller } from '../../caller.ts'
import type { Clock } from '../../clock.ts'
import { DomainError } from '../../errors.ts'
import { type CatalogEntry, listPullable } from './queries.ts'

/**
 * A page of the repositories that the caller may pull from, as `organization/repository`, ordered by the two names.
 * Throws `unauthenticated` for nobody in particular, `credentials_invalid`, `scope_insufficient`.
 */
export async function listCatalog(
  deps: { db: Database; access: Access; clock: Clock },
  caller: Caller,
  page: { after: string | undefined; size: number },
): Promise<{ names: string[]; hasMore: boolean }> {
  const { standing } = await deps.access.facts(caller)
  if (standing.kind === 'void') throw new DomainError('credentials_invalid', 'the login is expired or revoked')
  if (standing.kind === 'anonymous') throw new DomainError('unauthenticated', 'log in to list repositories')
  if (caller.scopes && !caller.scopes.some(scope => scope.type === 'registry' && scope.name === 'catalog')) {
    throw new DomainError('scope_insufficient', 'the token does not hold registry:catalog:*')
  }
  if (page.size === 0) return { names: [], hasMore: false }
  const entries = await listPullable(deps.db, {
    userId: standing.userId,
    after: page.after === undefined ? undefined : entryOf(page.after),
    limit: page.size + 1,
    nowMs: deps.clock.nowMs(),
  })
  const names = entries.map(entry => `${entry.organization}/${entry.repository}`)
  return { names: names.slice(0, page.size), hasMore: names.length > page.size }
}

function entryOf(name: string): CatalogEntry {
  const slash = name.indexOf('/')
  // A name without a slash lies before every repository of the organization it spells.
  if (slash < 0) return { organization: name, repository: '' }
  return { organization: name.slice(0, slash), repository: name.slice(slash + 1) }
}
