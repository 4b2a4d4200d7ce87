import type { BlobLocation, StagedUpload } from '../../blobstore/blobstore.ts'
import type { Transaction } from '../../metadata/database.ts'
import { isForeignKeyViolation } from '../../metadata/dialects.ts'
import { type Digest, digestAlgorithm, digestHex, digestToBytes } from '../../protocol/oci/digest.ts'
import type { Requester } from '../caller.ts'
import { DomainError, isDomainError, mayBeCommitted } from '../errors.ts'
import { type EventKind, recordEvent } from '../events.ts'
import { countLink } from '../quotas/stored/stored-bytes.ts'
import { deletedMeanwhile, type PushTarget, settleTarget, type Target } from '../repositories/push-target.ts'
import { isLive } from '../repositories/queries.ts'
import type { BlobDeps } from './deps.ts'
import { isWhole } from './is-whole.ts'
import {
  deletePublication,
  findPresentBlob,
  holdPresentBlob,
  insertLink,
  insertPublication,
  upsertBlob,
} from './queries.ts'
import { deleteHeldSession, isSessionHeld } from './sessions/queries.ts'

export type Publication = {
  target: Target | PushTarget
  staged: StagedUpload
  digest: Digest
  /** The session that ends with it, where there is one. */
  session?: { id: string; leaseId: string }
}

/**
 * Makes staged content a blob of the repository: bytes first, rows after (invariant 1). When the registry has the
 * content already the staged copy is dropped; where it has a row and has lost the bytes, these take their place. Throws
 * `upload_unknown` when the session was lost meanwhile.
 */
export async function publish(deps: BlobDeps, by: Requester, publication: Publication): Promise<void> {
  const { db, store } = deps
  const { staged, digest } = publication
  const bytes = digestToBytes(digest)

  const known = await findPresentBlob(db.read, bytes)
  if (known && (await isWhole(store, known))) {
    const isLinked = await db.write(async tx => {
      if (!(await holdPresentBlob(tx, bytes))) return false
      await link(tx, deps, by, publication)
      return true
    })
    if (isLinked) {
      await store.abort(staged)
      return
    }
  }

  // From here to the row that mentions them the bytes must look like nobody's to no sweep. A session says so as well.
  if (!publication.session) {
    const nowMs = deps.clock.nowMs()
    await db.write(tx => insertPublication(tx, staged.uploadId, nowMs), { survives: 'crash' })
  }
  const location = await store.commit(staged, { algorithm: digestAlgorithm(digest), hex: digestHex(digest) })
  const counted = await keepOrUndo(deps, publication, location, () =>
    db.write(async tx => {
      const nowMs = deps.clock.nowMs()
      const blob = { digest: bytes, sizeBytes: staged.offsetBytes, location, nowMs }
      const place = await upsertBlob(tx, { ...blob, ...(known && { lostLocation: known.location }) })
      if (!publication.session && !(await deletePublication(tx, staged.uploadId))) throw lostUpload()
      await link(tx, deps, by, publication)
      deps.atCommitStep?.('before-commit')
      return place
    }),
  )
  deps.atCommitStep?.('after-commit')
  if (counted !== location) await store.remove(location)
}

/** Links a blob to the repository with its event and its share of the totals. */
export async function recordLink(
  tx: Transaction,
  by: Requester,
  link: { target: Target; digest: Digest; sizeBytes: number; nowMs: number; kind: EventKind },
): Promise<void> {
  const { target, nowMs } = link
  const bytes = digestToBytes(link.digest)
  if (!(await isLive(tx, target.repositoryId))) throw deletedMeanwhile(target)
  const isNew = await insertLink(tx, target.repositoryId, bytes, nowMs).catch(cause => {
    throw isForeignKeyViolation(cause) ? deletedMeanwhile(target, cause) : cause
  })
  if (!isNew) return
  await countLink(tx, {
    repositoryId: target.repositoryId,
    accountId: target.accountId,
    digest: bytes,
    sizeBytes: link.sizeBytes,
  })
  await recordEvent(tx, by, {
    kind: link.kind,
    atMs: nowMs,
    accountId: target.accountId,
    organizationId: target.organizationId,
    repositoryId: target.repositoryId,
    digestAfter: bytes,
    detail: { repository: target.path, sizeBytes: link.sizeBytes },
  })
}

async function link(tx: Transaction, deps: BlobDeps, by: Requester, publication: Publication): Promise<void> {
  const { target, digest, session, staged } = publication
  if (session && !(await deleteHeldSession(tx, session))) throw lostUpload()
  const nowMs = deps.clock.nowMs()
  await recordLink(tx, by, {
    target: 'name' in target ? await settleTarget(tx, by, target, nowMs) : target,
    digest,
    sizeBytes: staged.offsetBytes,
    nowMs,
    kind: 'blob.pushed',
  })
}

function lostUpload(): DomainError {
  return new DomainError('upload_unknown', 'the upload was ended by another request or expired: start it again')
}

/**
 * Bytes that no row came to mention are taken away again, but only where that is certain: after an error that hides
 * whether the commit took place they may be needed. So may they be when another request took the session over, which has
 * published them at the same location. A session that found no room gets its bytes back: its client may come again when
 * there is some.
 */
async function keepOrUndo<T>(
  { db, store, clock }: BlobDeps,
  { session, staged }: Publication,
  location: BlobLocation,
  record: () => Promise<T>,
): Promise<T> {
  try {
    return await record()
  } catch (error) {
    if (mayBeCommitted(error)) throw error
    const isTakenOver = session && !(await isSessionHeld(db.read, { ...session, nowMs: clock.nowMs() }))
    if (isTakenOver) throw error
    if (session && isDomainError(error, 'storage_full')) await store.retract(staged, location)
    else await store.remove(location)
    throw error
  }
}
