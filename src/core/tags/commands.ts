import type { Database } from '../../metadata/database.ts'
import { digestFromBytes } from '../../protocol/oci/digest.ts'
import { noPreconditions } from '../../protocol/oci/entity-tags.ts'
import type { Access } from '../access/access.ts'
import type { Place } from '../access/queries.ts'
import type { Caller, Requester } from '../caller.ts'
import type { Clock } from '../clock.ts'
import { DomainError } from '../errors.ts'
import { countTags } from '../quotas/tag-count.ts'
import { requireRepository } from '../repositories/push-target.ts'
import { recordTagChanges } from './move-tag.ts'
import { requireState } from './preconditions.ts'
import { deleteTagRow, listTagNames } from './queries.ts'

type Deps = { db: Database; access: Access; clock: Clock }

/**
 * Removes one tag; the manifest and its other tags stay. Throws `tag_unknown`, and `precondition_failed` for one that is
 * there, `denied`, …
 */
export async function deleteTag(
  deps: Deps,
  by: Requester,
  place: Required<Place>,
  tag: string,
  preconditions = noPreconditions,
): Promise<void> {
  const target = await requireRepository(deps, by, place, 'content.delete')
  await deps.db.write(async tx => {
    const before = await deleteTagRow(tx, { repositoryId: target.repositoryId, tag })
    if (!before) throw new DomainError('tag_unknown', `${target.path} has no tag ${tag}`, { tag })
    requireState(preconditions, digestFromBytes(before), `the tag ${tag}`)
    const changes = [{ tag, before, after: undefined }]
    await recordTagChanges(tx, by, { target, changes, nowMs: deps.clock.nowMs() })
    await countTags(tx, target, -1)
  })
}

/** A page of tag names in byte order; `hasMore` tells whether another follows. */
export async function listTags(
  deps: Pick<Deps, 'db' | 'access'>,
  caller: Caller,
  place: Required<Place>,
  page: { after: string | undefined; size: number },
): Promise<{ names: string[]; hasMore: boolean }> {
  const { repository } = await deps.access.require(caller, 'repository.pull', place)
  if (!repository) throw new DomainError('repository_unknown', 'there is no such repository', { place })
  const names = await listTagNames(deps.db.read, {
    repositoryId: repository.id,
    after: page.after,
    limit: page.size + 1,
  })
  return { names: names.slice(0, page.size), hasMore: names.length > page.size }
}
