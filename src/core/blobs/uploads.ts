import { randomUUID } from 'node:crypto'
import type { StagedUpload, UploadState } from '../../blobstore/blobstore.ts'
import type { Row } from '../../metadata/tables.ts'
import {
  type Digest,
  type DigestAlgorithm,
  digestAlgorithm,
  digestFromBytes,
  digestToBytes,
  parseDigestAlgorithm,
  type RunningHash,
  startHash,
} from '../../protocol/oci/digest.ts'
import type { Place } from '../access/queries.ts'
import type { Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { actorOf } from '../events.ts'
import { findPushTarget, requireRepository, settleTarget, type Target } from '../repositories/push-target.ts'
import type { BlobDeps } from './deps.ts'
import { publish } from './publish.ts'
import {
  claimSession,
  deleteHeldSession,
  findSession,
  insertSession,
  type SessionKey,
  updateHeldSession,
} from './queries.ts'

/** Bytes of a request and what its headers say of them. */
export type UploadBody = {
  stream: ReadableStream<Uint8Array> | null
  /** From Content-Range; the bytes are refused unless they begin at the session's offset. */
  range?: { firstByte: number; lastByte: number }
  /** From Content-Length, where one came. */
  lengthBytes?: number
  /** Told 0 before the first chunk, then the size of each. */
  onProgress?: (receivedBytes: number) => void
}

/** A writer that stops renewing its lease for so long has died with its process. */
const leaseMs = 60_000
const renewAfterMs = 20_000

/**
 * Begins an upload, creating the repository when it is missing and the caller may. Returns the upload's id.
 * Throws `organization_unknown`, `denied`, …
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
  await deps.db.write(
    async tx => {
      const { repositoryId } = await settleTarget(tx, by, target, nowMs)
      await insertSession(tx, {
        id: uploadId,
        repository_id: repositoryId,
        actor_id: actorOf(by).id,
        algorithm,
        offset_bytes: 0,
        digest_so_far: null,
        store_state: state,
        lease_id: null,
        lease_until_ms: 0,
        created_ms: nowMs,
        expires_ms: nowMs + deps.uploadExpiryMs,
      })
    },
    // A repository that is made outlives more than a crash; the next durable write of the push takes it along.
    { survives: 'crash' },
  )
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
  await using held = await claim(deps, keyOf(by, target, uploadId))
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
  await using held = await claim(deps, keyOf(by, target, uploadId))
  await held.receive(body)
  const found = await held.digest(digestAlgorithm(digest))
  if (found !== digest) {
    await held.end()
    throw wrongDigest(digest, found)
  }
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
  await using held = await claim(deps, keyOf(by, target, uploadId))
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
  const uploadId = randomUUID()
  const state = await deps.store.startUpload(uploadId)
  let staged: StagedUpload = { uploadId, state, offsetBytes: 0 }
  try {
    const hash = startHash(digestAlgorithm(digest))
    await using writer = await deps.store.openUpload(staged)
    await copy(body, { hash, write: chunk => writer.write(chunk) })
    staged = { uploadId, ...(await writer.flush()) }
    const found = hash.digest()
    if (found !== digest) throw wrongDigest(digest, found)
  } catch (error) {
    await deps.store.abort(staged)
    throw error
  }
  await publish(deps, by, { target, staged, digest })
}

/** A session that this request alone may write to until it is disposed. */
class HeldUpload implements AsyncDisposable {
  offsetBytes: number
  readonly leaseId: string
  readonly #deps: BlobDeps
  readonly #session: Row<'upload_sessions'>
  #state: UploadState
  /** Hash of bytes 0..offsetBytes, where this process knows it. */
  #hash: RunningHash | undefined
  #isOver = false

  constructor(deps: BlobDeps, session: Row<'upload_sessions'>, leaseId: string) {
    this.#deps = deps
    this.#session = session
    this.leaseId = leaseId
    this.offsetBytes = session.offset_bytes
    this.#state = session.store_state as UploadState
    this.#hash =
      session.offset_bytes === 0
        ? startHash(parseDigestAlgorithm(session.algorithm) ?? 'sha256')
        : deps.hashes.at(session.id, session.offset_bytes)
  }

  staged(): StagedUpload {
    return { uploadId: this.#session.id, state: this.#state, offsetBytes: this.offsetBytes }
  }

  /** Appends a request's bytes. A refused request changes nothing; a cut one keeps what came. */
  async receive(body: UploadBody): Promise<void> {
    if (body.range && body.range.firstByte !== this.offsetBytes) {
      throw new DomainError('upload_range_invalid', `the next byte of this upload is ${this.offsetBytes}`, {
        offsetBytes: this.offsetBytes,
      })
    }
    if (!body.stream) {
      if (body.range || (body.lengthBytes ?? 0) > 0) throw wrongSize('no bytes came')
      return
    }
    // The copy undoes a refused request: the session's own hash still stands at its offset.
    const hash = this.#hash?.copy()
    await using writer = await this.#deps.store.openUpload(this.staged())
    try {
      await copy(body, { hash, write: chunk => writer.write(chunk), renew: () => this.#renew() })
    } catch (error) {
      if (error instanceof DomainError) throw error
      // The client went away: what it sent is good, and it may come back for the rest.
      await this.#moveTo(await writer.flush(), hash)
      await this.keep()
      throw error
    }
    await this.#moveTo(await writer.flush(), hash)
  }

  /** Writes the offset that was reached, and lets the session go. */
  async keep(): Promise<void> {
    const nowMs = this.#deps.clock.nowMs()
    const isHeld = await this.#deps.db.write(
      tx =>
        updateHeldSession(
          tx,
          { id: this.#session.id, leaseId: this.leaseId },
          {
            offset_bytes: this.offsetBytes,
            digest_so_far: this.#hash ? digestToBytes(this.#hash.copy().digest()) : null,
            store_state: this.#state,
            lease_id: null,
            lease_until_ms: 0,
            expires_ms: nowMs + this.#deps.uploadExpiryMs,
          },
        ),
      { survives: 'crash' },
    )
    this.#isOver = true
    if (!isHeld) throw unknownUpload()
    if (this.#hash) this.#deps.hashes.keep(this.#session.id, this.#hash, this.offsetBytes)
  }

  /** Digest of everything received, read again from the staged bytes only when nobody has it. */
  async digest(algorithm: DigestAlgorithm): Promise<Digest> {
    if (this.#hash?.algorithm === algorithm) return this.#hash.copy().digest()
    const { digest_so_far, offset_bytes } = this.#session
    if (digest_so_far && offset_bytes === this.offsetBytes) {
      const known = digestFromBytes(digest_so_far)
      if (digestAlgorithm(known) === algorithm) return known
    }
    const hash = startHash(algorithm)
    for await (const chunk of await this.#deps.store.readUpload(this.staged())) {
      hash.update(chunk)
      await this.#renew()
    }
    return hash.digest()
  }

  /** Removes the session and its bytes. */
  async end(): Promise<void> {
    this.forget()
    await this.#deps.db.write(tx => deleteHeldSession(tx, { id: this.#session.id, leaseId: this.leaseId }), {
      survives: 'crash',
    })
    await this.#deps.store.abort(this.staged())
  }

  /** The session is gone; nothing is to be let go. */
  forget(): void {
    this.#isOver = true
    this.#deps.hashes.drop(this.#session.id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return
    await this.#deps.db.write(
      tx =>
        updateHeldSession(tx, { id: this.#session.id, leaseId: this.leaseId }, { lease_id: null, lease_until_ms: 0 }),
      { survives: 'crash' },
    )
  }

  async #moveTo(flushed: { offsetBytes: number; state: UploadState }, hash: RunningHash | undefined): Promise<void> {
    this.offsetBytes = flushed.offsetBytes
    this.#state = flushed.state
    this.#hash = hash
  }

  #renewedMs = performance.now()

  async #renew(): Promise<void> {
    if (performance.now() - this.#renewedMs < renewAfterMs) return
    this.#renewedMs = performance.now()
    const untilMs = this.#deps.clock.nowMs() + leaseMs
    const isHeld = await this.#deps.db.write(
      tx =>
        updateHeldSession(
          tx,
          { id: this.#session.id, leaseId: this.leaseId },
          {
            lease_until_ms: untilMs,
            expires_ms: untilMs + this.#deps.uploadExpiryMs,
          },
        ),
      { survives: 'crash' },
    )
    if (!isHeld) throw unknownUpload()
  }
}

async function claim(deps: BlobDeps, key: SessionKey): Promise<HeldUpload> {
  const nowMs = deps.clock.nowMs()
  const leaseId = randomUUID()
  const session = await deps.db.write(tx => claimSession(tx, key, { id: leaseId, nowMs, untilMs: nowMs + leaseMs }), {
    survives: 'crash',
  })
  if (session) return new HeldUpload(deps, session, leaseId)
  if (await findSession(deps.db.read, key, nowMs)) {
    throw new DomainError('upload_busy', 'another request is writing to this upload: ask for its offset and go on then')
  }
  throw unknownUpload()
}

/** Moves a request's bytes on, hashing and counting them, and holds their number against what was announced. */
async function copy(
  body: UploadBody,
  sink: { hash: RunningHash | undefined; write: (chunk: Uint8Array) => Promise<void>; renew?: () => Promise<void> },
): Promise<void> {
  const expected = body.range ? body.range.lastByte - body.range.firstByte + 1 : body.lengthBytes
  let received = 0
  if (body.stream) {
    const reader = body.stream.getReader()
    body.onProgress?.(0)
    for (;;) {
      const { value, done } = await reader.read()
      if (done) break
      received += value.byteLength
      body.onProgress?.(value.byteLength)
      if (expected !== undefined && received > expected) throw wrongSize(`more than ${expected} bytes came`)
      sink.hash?.update(value)
      await sink.write(value)
      await sink.renew?.()
    }
  }
  if (expected !== undefined && received !== expected) throw wrongSize(`${received} bytes came, ${expected} announced`)
}

function keyOf(by: Requester, target: Target, uploadId: string): SessionKey {
  return { id: uploadId, repositoryId: target.repositoryId, actorId: actorOf(by).id }
}

function unknownUpload(): DomainError {
  return new DomainError('upload_unknown', 'there is no such upload, or it has expired: start it again')
}

function wrongDigest(expected: Digest, found: Digest): DomainError {
  return new DomainError('digest_invalid', `the content has the digest ${found}, not ${expected}`, { expected, found })
}

function wrongSize(message: string): DomainError {
  return new DomainError('size_invalid', message)
}
