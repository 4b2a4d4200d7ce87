import { type Digest, digestToBytes } from '../../protocol/oci/digest.ts'
import { pathOf } from '../access/access.ts'
import { decide } from '../access/decide.ts'
import type { Place } from '../access/queries.ts'
import type { Requester } from '../caller.ts'
import { findPushTarget, settleTarget } from '../repositories/push-target.ts'
import type { BlobDeps } from './deps.ts'
import { recordLink } from './publish.ts'
import { holdPresentBlob, isLinked } from './queries.ts'

/**
 * Links a blob of another repository that the caller may pull from. False when that can't be done, whatever the cause:
 * the client then uploads, and learns nothing about repositories it can't see.
 */
export async function mountBlob(
  deps: BlobDeps,
  by: Requester,
  mount: { to: Required<Place>; from: Required<Place>; digest: Digest },
): Promise<boolean> {
  const target = await findPushTarget(deps, by, mount.to)
  const source = await deps.access.facts(by.caller, mount.from)
  const mayRead = decide(by.caller, 'repository.pull', source, pathOf(mount.from)).isAllowed
  const sourceId = source.repository?.id
  if (!mayRead || sourceId === undefined) return false
  const bytes = digestToBytes(mount.digest)
  return deps.db.write(async tx => {
    const blob = await holdPresentBlob(tx, bytes)
    if (!blob || !(await isLinked(tx, sourceId, bytes))) return false
    const nowMs = deps.clock.nowMs()
    await recordLink(tx, by, {
      target: await settleTarget(tx, by, target, nowMs),
      digest: mount.digest,
      sizeBytes: blob.size_bytes,
      nowMs,
      kind: 'blob.mounted',
    })
    return true
  })
}
