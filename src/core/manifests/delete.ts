import type { Database } from '../../metadata/database.ts'
import { type Digest, digestToBytes } from '../../protocol/oci/digest.ts'
import { noPreconditions } from '../../protocol/oci/entity-tags.ts'
import type { Access } from '../access/access.ts'
import type { Place } from '../access/queries.ts'
import type { Requester } from '../caller.ts'
import type { Clock } from '../clock.ts'
import { DomainError } from '../errors.ts'
import { recordEvent } from '../events.ts'
import { requireRepository } from '../repositories/push-target.ts'
import { deleteTagsOf } from '../tags/move-tag.ts'
import { requireState } from '../tags/preconditions.ts'
import { deleteManifestRow } from './queries.ts'

/**
 * Removes a manifest from the repository with all of its tags, at once. Children of an index and referrers stay.
 * Throws `manifest_unknown`, and `precondition_failed` for one that is there, `denied`, …
 */
export async function deleteManifest(
  deps: { db: Database; access: Access; clock: Clock },
  by: Requester,
  place: Required<Place>,
  digest: Digest,
  preconditions = noPreconditions,
): Promise<void> {
  const target = await requireRepository(deps, by, place, 'content.delete')
  const bytes = digestToBytes(digest)
  await deps.db.write(async tx => {
    const nowMs = deps.clock.nowMs()
    await deleteTagsOf(tx, by, { target, digest: bytes, nowMs })
    if (!(await deleteManifestRow(tx, target.repositoryId, bytes))) {
      throw new DomainError('manifest_unknown', `${target.path} holds no manifest ${digest}`, { reference: digest })
    }
    requireState(preconditions, digest, `the manifest ${digest}`)
    await recordEvent(tx, by, {
      kind: 'manifest.deleted',
      atMs: nowMs,
      accountId: target.accountId,
      organizationId: target.organizationId,
      repositoryId: target.repositoryId,
      digestBefore: bytes,
      detail: { repository: target.path },
    })
  })
}
