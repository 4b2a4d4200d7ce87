import { randomUUID } from 'node:crypto'
import type { Database, Transaction } from '../../../metadata/database.ts'
import type { Access } from '../../access/access.ts'
import { holdRepository } from '../../access/holding/queries.ts'
import type { Place } from '../../access/queries.ts'
import type { Actor, Requester } from '../../caller.ts'
import type { Clock } from '../../clock.ts'
import { DomainError } from '../../errors.ts'
import { deletedMeanwhile, requireRepository, type Target } from '../../repositories/push-target.ts'
import { deleteTags } from '../../tags/move-tag.ts'
import { insertRemovalJob } from './queries.ts'
import { removalKind, writeState } from './removal-job.ts'
import { removeUnnamed } from './remove-unnamed.ts'

/**
 * Removes an image: its tag and, where no other tag and no index of the repository names the manifest, that one with what
 * is there for its sake alone (`removeUnnamed`). Throws `tag_unknown`, `denied`, …
 */
export async function removeImage(
  deps: { db: Database; access: Access; clock: Clock },
  by: Requester,
  place: Required<Place>,
  tag: string,
): Promise<void> {
  const target = await requireRepository(deps, by, place, 'content.delete')
  await deps.db.write(async tx => {
    const removed = await removeImages(tx, by, {
      engine: deps.db.engine,
      target,
      tags: [tag],
      nowMs: deps.clock.nowMs(),
    })
    if (removed.length === 0) throw new DomainError('tag_unknown', `${target.path} has no tag ${tag}`, { tag })
  })
}

/**
 * The same for some hundred tags at most, for whoever was allowed to; those that were there. Pushes to the repository wait
 * until it is over, so that none finds a manifest that is gone when it is named. Throws `repository_unknown`.
 */
export async function removeImages(
  tx: Transaction,
  by: Requester<Actor>,
  { engine, target, tags, nowMs }: RemovedImages,
): Promise<{ tag: string; digest: Uint8Array }[]> {
  if (!(await holdRepository(tx, engine, target.repositoryId))) throw deletedMeanwhile(target)
  const removed = await deleteTags(tx, by, { target, tags, nowMs })
  const digests = new Map(removed.map(({ digest }) => [digest.toHex(), digest]))
  const left = await removeUnnamed(tx, by, { target, nowMs, waiting: [...digests.values()], areImages: true })
  if (left.length > 0) {
    const payload = writeState({ by, target, waiting: left })
    await insertRemovalJob(tx, { kind: removalKind, subject: randomUUID(), payload, nowMs })
  }
  return removed
}

export type RemovedImages = { engine: Database['engine']; target: Target; tags: readonly string[]; nowMs: number }
