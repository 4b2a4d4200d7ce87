import { randomUUID } from 'node:crypto'
import type { StagedUpload } from '../../blobstore/blobstore.ts'
import { isForeignKeyViolation } from '../../metadata/dialects.ts'
import { type Digest, type DigestAlgorithm, digestAlgorithm, startHash } from '../../protocol/oci/digest.ts'
import type { Place } from '../access/queries.ts'
import type { Requester } from '../caller.ts'
import { DomainError, mayBeCommitted } from '../errors.ts'
import { actorOf } from '../events.ts'
import {
  deletedMeanwhile,
  findPushTarget,
  requireRepository,
  settleTarget,
  type Target,
} from '../repositories/push-target.ts'
import type { BlobDeps } from './deps.ts'
import { holdUpload, unknownUpload } from './held-upload.ts'
import { publish } from './publish.ts'
import { findSession, insertSession, type SessionKey } from './sessions/queries.ts'
import { copyBody, type UploadBody, wrongSize } from './upload-body.ts'

/**
 * Begins an upload, creating the repository when it is missing and the caller may. Returns the upload's id.
 * Throws `organization_unknown`, `repository_unknown`, `denied`, …
 */
export async function startUpload(
  deps: BlobDeps,
  by: Requester,
  place: Required<Place>,
  algorithm: DigestAlgorithm = 'sha256',
): Promise<string> {
  const target = await findPushTarget(deps, by, place)
  const uploadId = randomUUID()
  const state = await deps.store.startUpload(uploadId)
  const nowMs = deps.clock.nowMs()
  const recorded = deps.db.write(
    async tx => {
      const settled = await settleTarget(tx, by, target, nowMs)
      await insertSession(tx, {
        id: uploadId,
        repository_id: settled.repositoryId,
        actor_id: actorOf(by).id,
        algorithm,
        offset_bytes: 0,
        digest_so_far: null,
        store_state: state,
        lease_id: null,
        lease_until_ms: 0,
        created_ms: nowMs,
        expires_ms: nowMs + deps.uploadExpiryMs,
      }).catch(cause => {
        throw isForeignKeyViolation(cause) ? deletedMeanwhile(settled, cause) : cause
      })
    },
    // A repository that is made outlives more than a crash; the next durable write of the push takes it along.
    { survives: 'crash' },
  )
  await recorded.catch(async error => {
    // Of what no row came to mention nobody would learn.
    if (!mayBeCommitted(error)) await deps.store.abort({ uploadId, state, offsetBytes: 0 })
    throw error
  })
  return uploadId
}

/** How far an upload is. Throws `upload_unknown`. */
export async function readUploadOffset(
  deps: BlobDeps,
  by: Requester,
  place: Required<Place>,
  uploadId: string,
): Promise<number> {
  const target = await requireRepository(deps, by, place, 'repository.push')
  const session = await findSession(deps.db.read, keyOf(by, target, uploadId), deps.clock.nowMs())
  if (!session) throw unknownUpload()
  return session.offset_bytes
}

/**
 * Appends to an upload and returns its new offset. Bytes of a connection that is cut are kept as far as they came, and
 * the offset tells how far. Throws `upload_unknown`, `upload_busy`, `upload_range_invalid` (offset unchanged),
 * `size_invalid` (nothing of this request is kept), `storage_full`.
 */
export async function appendToUpload(
  deps: BlobDeps,
  by: Requester,
  place: Required<Place>,
  uploadId: string,
  body: UploadBody,
): Promise<number> {
  const target = await requireRepository(deps, by, place, 'repository.push')
  await using held = await holdUpload(deps, keyOf(by, target, uploadId))
  await held.receive(body)
  await held.keep()
  return held.offsetBytes
}

/**
 * Ends an upload: takes the last bytes, holds the whole against `digest` and publishes it. Throws `digest_invalid` when
 * the content is another (the upload is then gone) and what `appendToUpload` throws.
 */
export async function closeUpload(
  deps: BlobDeps,
  by: Requester,
  place: Required<Place>,
  uploadId: string,
  digest: Digest,
  body: UploadBody,
): Promise<void> {
  const target = await requireRepository(deps, by, place, 'repository.push')
  await using held = await holdUpload(deps, keyOf(by, target, uploadId))
  await held.receive(body)
  // The body may have taken hours: what counts are the rights of now.
  await requireRepository(deps, by, place, 'repository.push')
  const found = await held.digest(digestAlgorithm(digest))
  if (found !== digest) {
    await held.end()
    throw wrongDigest(digest, found)
  }
  await held.note(digest)
  await publish(deps, by, { target, staged: held.staged(), digest, session: { id: uploadId, leaseId: held.leaseId } })
  held.forget()
}

/** Drops an upload and its bytes. Throws `upload_unknown`, `upload_busy`. */
export async function cancelUpload(
  deps: BlobDeps,
  by: Requester,
  place: Required<Place>,
  uploadId: string,
): Promise<void> {
  const target = await requireRepository(deps, by, place, 'repository.push')
  await using held = await holdUpload(deps, keyOf(by, target, uploadId))
  await held.end()
}

/**
 * Pushes a whole blob in one request, without a session: what a crash leaves of it no client can come back for.
 * Throws `digest_invalid`, `size_invalid`, `storage_full`.
 */
export async function pushBlob(
  deps: BlobDeps,
  by: Requester,
  place: Required<Place>,
  digest: Digest,
  body: UploadBody,
): Promise<void> {
  const target = await findPushTarget(deps, by, place)
  if (body.range && body.range.firstByte !== 0) throw wrongSize('a blob in one request begins with its first byte')
  const uploadId = randomUUID()
  const state = await deps.store.startUpload(uploadId)
  let staged: StagedUpload = { uploadId, state, offsetBytes: 0 }
  await using writer = await deps.store.openUpload(staged)
  try {
    const hash = startHash(digestAlgorithm(digest))
    await copyBody(body, { hash, write: chunk => writer.write(chunk) })
    staged = { uploadId, ...(await writer.flush()) }
    const found = hash.digest()
    if (found !== digest) throw wrongDigest(digest, found)
    await findPushTarget(deps, by, place)
  } catch (error) {
    await deps.store.abort(staged)
    throw error
  }
  await publish(deps, by, { target, staged, digest })
}

function keyOf(by: Requester, target: Target, uploadId: string): SessionKey {
  return { id: uploadId, repositoryId: target.repositoryId, actorId: actorOf(by).id }
}

function wrongDigest(expected: Digest, found: Digest): DomainError {
  return new DomainError('digest_invalid', `the content has the digest ${found}, not ${expected}`, { expected, found })
}
