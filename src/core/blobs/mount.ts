import { type Digest, digestToBytes } from '../../protocol/oci/digest.ts'
import { pathOf } from '../access/access.ts'
import { decide } from '../access/decide.ts'
import type { Place } from '../access/queries.ts'
import type { Requester } from '../caller.ts'
import { findPushTarget, settleTarget } from '../repositories/push-target.ts'
import type { BlobDeps } from './deps.ts'
import { isWhole } from './is-whole.ts'
import { recordLink } from './publish.ts'
import { findPresentBlob, holdPresentBlob, isLinked, listHolders } from './queries.ts'

/** Where no source is named, so many of the repositories that hold the blob are looked at (docs/decisions/011). */
const holdersLookedAt = 16

/**
 * Links a blob of another repository that the caller may pull from: of `from`, or where none is named of any that the
 * caller and the token at hand may read. False when that can't be done, whatever the cause: the client then uploads, and
 * learns nothing about repositories it can't see. A blob that very many repositories hold may be missed, because only
 * the newest of them are looked at, readable or not.
 */
export async function mountBlob(
  deps: BlobDeps,
  by: Requester,
  mount: { to: Required<Place>; from: Required<Place> | 'anywhere'; digest: Digest },
): Promise<boolean> {
  const target = await findPushTarget(deps, by, mount.to)
  const bytes = digestToBytes(mount.digest)
  const sourceId =
    mount.from === 'anywhere'
      ? await findHolder(deps, by, { digest: bytes, besides: target.repositoryId })
      : await findReadable(deps, by, mount.from)
  if (sourceId === undefined) return false
  const known = await findPresentBlob(deps.db.read, bytes)
  if (!known || !(await isWhole(deps.store, known))) return false
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

async function findReadable(
  deps: BlobDeps,
  { caller }: Requester,
  place: Required<Place>,
): Promise<number | undefined> {
  const facts = await deps.access.facts(caller, place)
  return decide(caller, 'repository.pull', facts, pathOf(place)).isAllowed ? facts.repository?.id : undefined
}

async function findHolder(
  deps: BlobDeps,
  { caller }: Requester,
  blob: { digest: Uint8Array; besides: number | undefined },
): Promise<number | undefined> {
  const nowMs = deps.clock.nowMs()
  const holders = await listHolders(deps.db.read, caller, { ...blob, limit: holdersLookedAt, nowMs })
  const readable = holders.find(({ place, facts }) => decide(caller, 'repository.pull', facts, pathOf(place)).isAllowed)
  return readable?.facts.repository?.id
}
