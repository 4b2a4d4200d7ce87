import type { Transaction } from '../../metadata/database.ts'
import { isForeignKeyViolation } from '../../metadata/dialects.ts'
import { flag } from '../../metadata/tables.ts'
import type { StoredCategory } from '../../protocol/manage/categories.ts'
import { parseRepositoryName } from '../../protocol/manage/names.ts'
import { manageLevel } from '../access/level.ts'
import type { QuotaLimits } from '../access/switches.ts'
import type { Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { actorOf, recordEvent } from '../events.ts'
import { requireRoom } from '../quotas/require-room.ts'
import { addToTotal } from '../totals.ts'
import { insertCreatorGrant, insertDescription, insertRepositoryRow } from './queries.ts'

export type NewRepository = {
  organizationId: number
  accountId: string
  name: string
  isPublic: boolean
  category: StoredCategory
  /** Empty for none. */
  description: string
  nowMs: number
  quotas: QuotaLimits
}

/**
 * Adds a repository with its creator's grant, its event and its share of the totals; returns its id. Throws
 * `repository_exists`, `repository_name_invalid`, `quota_exceeded`, and `organization_unknown` when the organization was
 * deleted meanwhile. The one way a repository comes to be, through the management API or by a push.
 */
export async function insertRepository(tx: Transaction, by: Requester, repository: NewRepository): Promise<number> {
  const { organizationId, accountId, name, nowMs } = repository
  requireRepositoryName(name)
  const creator = actorOf(by)
  const id = await insertRepositoryRow(tx, {
    organization_id: organizationId,
    account_id: accountId,
    name,
    is_public: flag(repository.isPublic),
    category: repository.category,
    creator_id: creator.id,
    creator_name: creator.name,
    created_ms: nowMs,
    updated_ms: nowMs,
    deleted_ms: null,
  }).catch(cause => {
    if (!isForeignKeyViolation(cause)) throw cause
    throw new DomainError('organization_unknown', 'the organization was deleted meanwhile', {}, { cause })
  })
  if (id === undefined) throw new DomainError('repository_exists', `there is a repository ${name} already`, { name })
  // After the name: of requests that make the same one, those that come second find it made and need no room.
  await requireRoom(tx, repository.quotas, { kind: 'repositories', accountId, adding: 1 })
  if (repository.description !== '') await insertDescription(tx, id, repository.description)
  if (by.caller.kind === 'user') {
    const { userId } = by.caller
    await insertCreatorGrant(tx, { repositoryId: id, organizationId, userId, level: manageLevel, nowMs })
  }
  await addToTotal(tx, `organization:${organizationId}`, 'repositories', 1)
  await addToTotal(tx, `account:${accountId}`, 'repositories', 1)
  await recordEvent(tx, by, {
    kind: 'repository.created',
    atMs: nowMs,
    accountId,
    organizationId,
    repositoryId: id,
    detail: { repository: name, isPublic: repository.isPublic },
  })
  return id
}

/** Throws `repository_name_invalid`, saying which rule the name breaks. */
export function requireRepositoryName(name: string): void {
  const parsed = parseRepositoryName(name)
  if (parsed.kind !== 'invalid') return
  const { reason } = parsed
  throw new DomainError('repository_name_invalid', `no repository can have this name: ${reason}`, { reason })
}
