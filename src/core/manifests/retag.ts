import type { Database } from '../../metadata/database.ts'
import type { Access } from '../access/access.ts'
import type { Place } from '../access/queries.ts'
import type { Requester } from '../caller.ts'
import type { Clock } from '../clock.ts'
import { DomainError } from '../errors.ts'
import { recordEvent } from '../events.ts'
import { deletedMeanwhile, requireRepository } from '../repositories/push-target.ts'
import { moveTags } from '../tags/move-tag.ts'
import { holdTags } from '../tags/queries.ts'
import { findMediaType, touchRepository } from './queries.ts'

/**
 * Points a tag at what another one names, as a push of that manifest would. One that is there is moved only with
 * `override`. Throws `tag_unknown` for the source, `tag_exists`, `denied`, …
 */
export async function retag(
  deps: { db: Database; access: Access; clock: Clock },
  by: Requester,
  place: Required<Place>,
  { source, destination, override }: { source: string; destination: string; override: boolean },
): Promise<void> {
  const target = await requireRepository(deps, by, place, 'repository.push')
  const { repositoryId, organizationId, accountId, path } = target
  const { engine } = deps.db
  await deps.db.write(async tx => {
    const nowMs = deps.clock.nowMs()
    // First, as every push does: of those that would make the same tag one comes after the other.
    if (!(await touchRepository(tx, repositoryId, nowMs))) throw deletedMeanwhile(target)
    const held = await holdTags(tx, engine, { repositoryId, tags: [source, destination] })
    const digest = held.get(source)
    if (!digest) throw new DomainError('tag_unknown', `${path} has no tag ${source}`, { tag: source })
    if (!override && held.has(destination)) {
      throw new DomainError('tag_exists', `${path} has a tag ${destination} already: override moves it`, {
        tag: destination,
      })
    }
    await recordEvent(tx, by, {
      kind: 'manifest.pushed',
      atMs: nowMs,
      accountId,
      organizationId,
      repositoryId,
      digestAfter: digest,
      detail: { repository: path, mediaType: (await findMediaType(tx, repositoryId, digest)) ?? '' },
    })
    await moveTags(tx, by, { engine, target, tags: [destination], digest, nowMs })
  })
}
