import type { Database, Transaction } from '../../metadata/database.ts'
import type { Descriptor } from '../../protocol/oci/descriptor.ts'
import { type Digest, digestAlgorithm, digestOf, digestToBytes } from '../../protocol/oci/digest.ts'
import type { Preconditions } from '../../protocol/oci/entity-tags.ts'
import type { ParsedManifest } from '../../protocol/oci/manifest.ts'
import { isNonDistributable, manifestKind } from '../../protocol/oci/media-types.ts'
import type { Access } from '../access/access.ts'
import type { Place } from '../access/queries.ts'
import type { Requester } from '../caller.ts'
import type { Clock } from '../clock.ts'
import { DomainError } from '../errors.ts'
import { actorOf, recordEvent } from '../events.ts'
import { findPushTarget, settleTarget, type Target } from '../repositories/push-target.ts'
import { moveTags } from '../tags/move-tag.ts'
import { hasPreconditions, requireState, requireTagState } from '../tags/preconditions.ts'
import { type IndexShape, measureParents, measureShape } from './index-shape.ts'
import {
  findMediaType,
  findSparseManifests,
  forgetMissing,
  heldContent,
  holdAgainstLinks,
  insertBody,
  insertManifest,
  insertReferences,
  touchRepository,
} from './queries.ts'

/** `sparseManifests`: what holds where an organization has not chosen. */
export type PushDeps = { db: Database; access: Access; clock: Clock; sparseManifests: boolean }

export type ManifestPush = {
  /** As received; stored and served unchanged (invariant 3). */
  body: Uint8Array
  manifest: ParsedManifest
  /** By which the client named it, or the sha256 of the body where it was named by a tag. */
  digest: Digest
  tags: readonly string[]
  /** Of the tag or, where it is named by its digest, of the manifest. */
  preconditions?: Preconditions & { of: 'tag' | 'manifest' }
}

/** A client may take any time to send a manifest; a decision that is older than this is made again. */
const decisionLastsMs = 100

/**
 * Adds a manifest and moves its tags, all in one transaction; `receive` reads what is pushed, and is called only for who
 * may push here. Every blob and child it names has to be held by this repository; foreign layers and the subject may be
 * missing, and all of it where manifests may be sparse. What is missing and comes later is then held as if it had come
 * first. Of pushes to one repository one at a time decides about its preconditions, for each changes the repository's row.
 * Throws `precondition_failed`, `manifest_reference_missing` (detail: all of them), `digest_invalid`, `denied`, …
 */
export async function pushManifest(
  deps: PushDeps,
  by: Requester,
  place: Required<Place>,
  receive: () => Promise<ManifestPush>,
): Promise<ManifestPush> {
  const askedMs = deps.clock.nowMs()
  const allowed = await findPushTarget(deps, by, place)
  const push = await receive()
  const found = digestOf(digestAlgorithm(push.digest), push.body)
  if (found !== push.digest) {
    throw new DomainError('digest_invalid', `the manifest has the digest ${found}, not ${push.digest}`, { found })
  }
  const isLate = deps.clock.nowMs() - askedMs > decisionLastsMs
  const pushTarget = isLate ? await findPushTarget(deps, by, place) : allowed
  const digest = digestToBytes(push.digest)
  const references = referencesOf(push.manifest)
  await deps.db.write(async tx => {
    const nowMs = deps.clock.nowMs()
    const target = await settleTarget(tx, by, pushTarget, nowMs)
    if (!(await touchRepository(tx, target.repositoryId, nowMs))) {
      throw new DomainError('repository_unknown', `the repository ${target.path} was deleted meanwhile`, { place })
    }
    await requirePreconditions(tx, deps, target, push)
    const held = await holdReferences(tx, deps, target, references)

    await insertBody(tx, digest, push.body)
    const shape = await measureShape(tx, target.repositoryId, push.manifest)
    const isNew = await insertManifest(tx, { ...manifestRow(push, target, by, nowMs), ...columnsOf(shape) })
    if (isNew) {
      await forgetMissing(tx, target.repositoryId, digest)
      await insertReferences(tx, {
        blobs: references
          .filter(reference => !held.asManifest(reference))
          .map(reference => ({
            repository_id: target.repositoryId,
            manifest_digest: digest,
            target_digest: reference.bytes,
            held_digest: held.asBlob(reference) ? reference.bytes : null,
          })),
        children: push.manifest.children.map((child, position) => ({
          repository_id: target.repositoryId,
          manifest_digest: digest,
          position,
          child_digest: digestToBytes(child.digest),
        })),
      })
      if (shape.depth > 0) await measureParents(tx, target.repositoryId, digest)
    } else {
      await requireSameType(tx, target, push)
    }
    // Also of what was there before: nothing else tells of a push that moves no tag.
    await recordEvent(tx, by, {
      kind: 'manifest.pushed',
      atMs: nowMs,
      accountId: target.accountId,
      organizationId: target.organizationId,
      repositoryId: target.repositoryId,
      digestAfter: digest,
      detail: { repository: target.path, mediaType: push.manifest.mediaType },
    })
    await moveTags(tx, by, { engine: deps.db.engine, target, tags: push.tags, digest, nowMs })
  })
  return push
}

async function requirePreconditions(
  tx: Transaction,
  { db }: PushDeps,
  { repositoryId }: Target,
  { preconditions, digest, tags }: ManifestPush,
): Promise<void> {
  if (!preconditions || !hasPreconditions(preconditions)) return
  const [tag] = tags
  if (preconditions.of === 'tag' && tag !== undefined) {
    return requireTagState(tx, db.engine, { repositoryId, tag }, preconditions)
  }
  const isThere = (await findMediaType(tx, repositoryId, digestToBytes(digest))) !== undefined
  requireState(preconditions, isThere ? digest : undefined, `the manifest ${digest}`)
}

/**
 * A document that doesn't say what it is may come again under another type; what is here keeps the type it is served with,
 * and nobody is told of another.
 */
async function requireSameType(tx: Transaction, target: Target, { digest, manifest }: ManifestPush): Promise<void> {
  const mediaType = await findMediaType(tx, target.repositoryId, digestToBytes(digest))
  if (mediaType === undefined || mediaType === manifest.mediaType) return
  throw new DomainError('manifest_invalid', `${target.path} holds this manifest as ${mediaType}: push it as that`)
}

/** What of a manifest's references the repository holds, and as what. */
type Held = { asBlob: (reference: Reference) => boolean; asManifest: (reference: Reference) => boolean }

/** Throws `manifest_reference_missing` where something is missing that may not be. */
async function holdReferences(
  tx: Transaction,
  deps: PushDeps,
  target: Target,
  references: readonly Reference[],
): Promise<Held> {
  const first = await findHeld(tx, target, references)
  const isMissing = (held: Held) => (reference: Reference) => !held.asBlob(reference) && !held.asManifest(reference)
  if (!references.some(isMissing(first))) return first
  // A blob whose link is not yet committed would neither be seen here nor see this manifest.
  await holdAgainstLinks(tx, deps.db.engine, target.repositoryId)
  const held = await findHeld(tx, target, references)
  const missing = references.filter(reference => !reference.mayBeMissing && isMissing(held)(reference))
  if (missing.length > 0 && !((await findSparseManifests(tx, target.organizationId)) ?? deps.sparseManifests)) {
    throw missingReferences(target, missing)
  }
  return held
}

async function findHeld(tx: Transaction, target: Target, references: readonly Reference[]): Promise<Held> {
  const held = await heldContent(tx, target.repositoryId, {
    blobs: references.map(reference => reference.bytes),
    manifests: references.filter(reference => reference.isChild).map(reference => reference.bytes),
  })
  return {
    asBlob: reference => held.blobs.has(reference.bytes.toHex()),
    asManifest: reference => reference.isChild && held.manifests.has(reference.bytes.toHex()),
  }
}

/** One digest that a manifest names, each digest once. */
type Reference = { digest: Digest; bytes: Uint8Array; isChild: boolean; mayBeMissing: boolean }

function referencesOf(manifest: ParsedManifest): Reference[] {
  const references = new Map<Digest, Reference>()
  const add = (descriptor: Descriptor, isChild: boolean, mayBeMissing: boolean) => {
    const known = references.get(descriptor.digest)
    references.set(descriptor.digest, {
      digest: descriptor.digest,
      bytes: known?.bytes ?? digestToBytes(descriptor.digest),
      isChild: isChild || known?.isChild === true,
      mayBeMissing: mayBeMissing && known?.mayBeMissing !== false,
    })
  }
  if (manifest.config) add(manifest.config, false, false)
  for (const layer of manifest.layers) add(layer, false, isNonDistributable(layer.mediaType))
  // An index may name blobs as children: buildkit writes its caches so.
  for (const child of manifest.children) add(child, true, false)
  return [...references.values()]
}

function missingReferences(target: Target, missing: readonly Reference[]): DomainError {
  const digests = missing.map(reference => reference.digest)
  return new DomainError(
    'manifest_reference_missing',
    `${target.path} does not hold ${digests.length === 1 ? digests[0] : `${digests.length} of the blobs`} that the manifest names: push ${digests.length === 1 ? 'it' : 'them'} first`,
    { digests },
  )
}

function columnsOf({ depth, reach }: IndexShape) {
  return { index_depth: depth, index_reach: reach }
}

function manifestRow(push: ManifestPush, target: Target, by: Requester, nowMs: number) {
  const { manifest } = push
  const content = [...(manifest.config ? [manifest.config] : []), ...manifest.layers]
  return {
    repository_id: target.repositoryId,
    digest: digestToBytes(push.digest),
    media_type: manifest.mediaType,
    artifact_type: manifest.artifactType ?? null,
    size_bytes: push.body.byteLength,
    config_digest: manifest.config ? digestToBytes(manifest.config.digest) : null,
    subject_digest: manifest.subject ? digestToBytes(manifest.subject.digest) : null,
    content_bytes:
      manifestKind(manifest.mediaType) === 'index' ? 0 : content.reduce((sum, each) => sum + each.sizeBytes, 0),
    annotations: manifest.annotations ? JSON.stringify(manifest.annotations) : null,
    pusher_id: actorOf(by).id,
    pushed_ms: nowMs,
  }
}
