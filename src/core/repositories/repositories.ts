import { flag } from '../../metadata/tables.ts'
import type { StoredCategory } from '../../protocol/manage/categories.ts'
import type { RepositoryName } from '../../protocol/manage/names.ts'
import type { Place } from '../access/queries.ts'
import { removeShares } from '../access/shares/change-shares.ts'
import type { Caller, Requester } from '../caller.ts'
import { recordEvent } from '../events.ts'
import type { Deps, ReadDeps } from '../organizations/deps.ts'
import { organizationOf, repositoryOf, repositoryUnknown, userOf } from '../organizations/place.ts'
import { addToTotal } from '../totals.ts'
import { insertRepository } from './insert-repository.ts'
import { insertPurgeJob, markDeleted, setDescription, updateLiveRepository } from './queries.ts'
import { type Repository, readRepositories } from './read-repositories.ts'

export type RepositorySettings = { isPublic: boolean; category: StoredCategory; description: string }

/** Throws `repository_exists`, `quota_exceeded` and what `Access.require` throws. */
export async function createRepository(
  deps: Deps,
  by: Requester,
  repository: RepositorySettings & { organization: string; name: RepositoryName },
): Promise<void> {
  const { organization, ...settings } = repository
  const place = { organization }
  const facts = await deps.access.require(by.caller, 'repository.create', place)
  const { id, accountId } = organizationOf(facts, place)
  const nowMs = deps.clock.nowMs()
  const { quotas } = facts.switches
  await deps.db.write(tx => insertRepository(tx, by, { ...settings, organizationId: id, accountId, nowMs, quotas }))
}

/**
 * To an account that it is shared with a repository does not say which user made it. Throws what `Access.require` throws.
 */
export async function getRepository(deps: ReadDeps, caller: Caller, place: Required<Place>): Promise<Repository> {
  const facts = await deps.access.require(caller, 'repository.view', place)
  const [repository] = await readRepositories(deps.db, [repositoryOf(facts, place).id])
  if (!repository) throw repositoryUnknown(place)
  return repository.accountId === userOf(facts).accountId
    ? repository
    : { ...repository, creatorId: '', creatorName: '' }
}

/** Changes what is named and leaves the rest. Throws what `Access.require` throws. */
export async function updateRepository(
  deps: Deps,
  by: Requester,
  { place, change }: { place: Required<Place>; change: Partial<RepositorySettings> },
): Promise<void> {
  const facts = await deps.access.require(by.caller, 'repository.update', place)
  const { id } = repositoryOf(facts, place)
  const { id: organizationId, accountId } = organizationOf(facts, place)
  const { isPublic, category, description } = change
  if (isPublic === undefined && category === undefined && description === undefined) return
  const nowMs = deps.clock.nowMs()
  await deps.db.write(async tx => {
    const isThere = await updateLiveRepository(tx, id, {
      ...(isPublic !== undefined && { is_public: flag(isPublic) }),
      ...(category !== undefined && { category }),
      updated_ms: nowMs,
    })
    if (!isThere) throw repositoryUnknown(place)
    if (description !== undefined) await setDescription(tx, id, description)
    await recordEvent(tx, by, {
      kind: 'repository.updated',
      atMs: nowMs,
      accountId,
      organizationId,
      repositoryId: id,
      detail: { ...place, ...(isPublic !== undefined && { isPublic }), ...(category !== undefined && { category }) },
    })
  })
}

/**
 * Deletes a repository with all its tags: its name is free and nothing in it can be reached at once; a job removes what
 * it held. It is shared with nobody any more. Throws what `Access.require` throws.
 */
export async function deleteRepository(deps: Deps, by: Requester, place: Required<Place>): Promise<void> {
  const facts = await deps.access.require(by.caller, 'repository.delete', place)
  const { id } = repositoryOf(facts, place)
  const { id: organizationId, accountId } = organizationOf(facts, place)
  const nowMs = deps.clock.nowMs()
  await deps.db.write(async tx => {
    if (!(await markDeleted(tx, id, nowMs))) throw repositoryUnknown(place)
    await removeShares(tx, { repositoryId: id, organizationId, accountId })
    await insertPurgeJob(tx, { repositoryId: id, organizationId, accountId, nowMs })
    await addToTotal(tx, `organization:${organizationId}`, 'repositories', -1)
    await addToTotal(tx, `account:${accountId}`, 'repositories', -1)
    await recordEvent(tx, by, {
      kind: 'repository.deleted',
      atMs: nowMs,
      accountId,
      organizationId,
      repositoryId: id,
      detail: place,
    })
  })
}
