import type { Transaction } from '../../../metadata/database.ts'
import { accessoryTagsOf, referrersTagOf } from '../../../protocol/oci/accessory-tags.ts'
import { digestFromBytes } from '../../../protocol/oci/digest.ts'
import type { Actor, Requester } from '../../caller.ts'
import { recordEvents } from '../../events.ts'
import type { Target } from '../../repositories/push-target.ts'
import { deleteTags } from '../../tags/move-tag.ts'
import { type Candidate, deleteManifestRows, findCandidates, findChildren, findUnnamedReferrers } from './queries.ts'

/** Looked at together. */
const perRound = 100
/** What one transaction does: a manifest has as many rows of references as its document is long. */
const mostLookedAt = 500
const mostDocumentBytes = 1024 * 1024

/**
 * Removes those of the manifests that no tag and no index of the repository names, and with each of them what was there
 * for its sake alone:
 *
 * - its referrers, and what is tagged as its signature, attestations, SBOM or list of referrers;
 * - the children of an index;
 *
 * each of these again only where nothing else names it, and a child that refers to a manifest which stays belongs to that.
 * Of `waiting` and of what follows from it a bounded part is done; what is left is the answer. Who calls it holds the
 * repository, and has each of `waiting` once.
 */
export async function removeUnnamed(
  tx: Transaction,
  by: Requester<Actor>,
  { target, nowMs, waiting, areImages = false }: Removal,
): Promise<Uint8Array[]> {
  const left = [...waiting]
  const room = { looks: mostLookedAt, documentBytes: mostDocumentBytes }
  // What was tagged as an image is one, whatever it refers to.
  for (let isFirst = areImages; left.length > 0 && room.looks > 0 && room.documentBytes > 0; isFirst = false) {
    const some = left.splice(isFirst ? 0 : -perRound)
    room.looks -= some.length
    const found = await findCandidates(tx, target.repositoryId, some)
    const unneeded = found.filter(each => each.is_named === 0 && (isFirst || each.has_subject === 0))
    const { fitting, over } = take(room, unneeded)
    left.push(...over.map(each => each.digest))
    left.push(...(await removeWithAccessories(tx, by, { target, nowMs, some, found, removed: fitting })))
  }
  return left
}

export type Removal = {
  target: Target
  nowMs: number
  waiting: readonly Uint8Array[]
  /** They lost a tag, and go although they refer to something that stays. */
  areImages?: boolean
}

/** Those whose documents there is room for, in order: the last of them may be larger than what is left. */
function take(
  room: { documentBytes: number },
  candidates: readonly Candidate[],
): { fitting: readonly Candidate[]; over: readonly Candidate[] } {
  const fitting: Candidate[] = []
  for (const candidate of candidates) {
    if (room.documentBytes <= 0) break
    room.documentBytes -= candidate.size_bytes
    fitting.push(candidate)
  }
  return { fitting, over: candidates.slice(fitting.length) }
}

/** Removes manifests and the tags of their accessories; what may have lost its last name by that. */
async function removeWithAccessories(
  tx: Transaction,
  by: Requester<Actor>,
  { target, nowMs, some, found, removed }: Looked,
): Promise<Uint8Array[]> {
  const { repositoryId } = target
  const digests = removed.map(each => each.digest)
  const indexes = removed.filter(each => each.index_depth > 0).map(each => each.digest)
  const children = await findChildren(tx, repositoryId, indexes)
  if (digests.length > 0) {
    await deleteManifestRows(tx, repositoryId, digests)
    await recordRemovals(tx, by, { target, digests, nowMs })
  }
  const gone = goneAmong(some, found, digests)
  if (gone.length === 0) return children
  const untagged = await deleteTags(tx, by, { target, tags: gone.flatMap(tagsForSakeOf), nowMs })
  const referrers = await findUnnamedReferrers(tx, repositoryId, { subjects: gone, limit: perRound })
  // Where there may be more of them, the subjects are looked at again, after these.
  const again = referrers.length < perRound ? [] : gone
  return onceEach([...again, ...children, ...untagged.map(each => each.digest), ...referrers])
}

type Looked = {
  target: Target
  nowMs: number
  some: readonly Uint8Array[]
  /** Those of them that were there. */
  found: readonly Candidate[]
  removed: readonly Candidate[]
}

/** Those that are not there, be it that they just went or earlier. */
function goneAmong(
  some: readonly Uint8Array[],
  found: readonly Candidate[],
  removed: readonly Uint8Array[],
): Uint8Array[] {
  const staying = new Set(found.map(each => each.digest.toHex()))
  for (const digest of removed) staying.delete(digest.toHex())
  return some.filter(digest => !staying.has(digest.toHex()))
}

function tagsForSakeOf(bytes: Uint8Array): string[] {
  const digest = digestFromBytes(bytes)
  return [referrersTagOf(digest), ...accessoryTagsOf(digest).map(({ tag }) => tag)]
}

function onceEach(digests: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(digests.map(digest => [digest.toHex(), digest])).values()]
}

async function recordRemovals(
  tx: Transaction,
  by: Requester<Actor>,
  { target, digests, nowMs }: { target: Target; digests: readonly Uint8Array[]; nowMs: number },
): Promise<void> {
  const { accountId, organizationId, repositoryId, path } = target
  await recordEvents(
    tx,
    by,
    digests.map(digestBefore => ({
      kind: 'manifest.deleted',
      atMs: nowMs,
      accountId,
      organizationId,
      repositoryId,
      digestBefore,
      detail: { repository: path },
    })),
  )
}
