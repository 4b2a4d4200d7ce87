import { randomUUID } from 'node:crypto'
import type { StagedUpload, UploadState, UploadWriter } from '../../blobstore/blobstore.ts'
import type { Row } from '../../metadata/tables.ts'
import {
  type Digest,
  type DigestAlgorithm,
  digestFromBytes,
  digestToBytes,
  parseDigestAlgorithm,
  type RunningHash,
  startHash,
} from '../../protocol/oci/digest.ts'
import { DomainError, isDomainError, mayBeCommitted } from '../errors.ts'
import type { BlobDeps } from './deps.ts'
import {
  claimSession,
  deleteHeldSession,
  findSession,
  isSessionHeld,
  type SessionKey,
  updateHeldSession,
} from './sessions/queries.ts'
import { copyBody, type UploadBody, wrongSize } from './upload-body.ts'

/** A writer that stops renewing its lease for so long has died with its process. */
const leaseMs = 60_000
const renewEveryMs = 20_000
const letGoEveryMs = 1_000

/** Takes an upload for this request alone. Throws `upload_unknown`, `upload_busy`. */
export async function holdUpload(deps: BlobDeps, key: SessionKey): Promise<HeldUpload> {
  const nowMs = deps.clock.nowMs()
  const leaseId = randomUUID()
  const lease = { id: leaseId, nowMs, untilMs: nowMs + leaseMs }
  const session = await deps.db
    .write(tx => claimSession(tx, key, lease), { survives: 'crash' })
    .catch(error => {
      if (mayBeCommitted(error)) letGoLater(deps, { id: key.id, leaseId })
      throw error
    })
  if (session) return new HeldUpload(deps, session, leaseId)
  if (await findSession(deps.db.read, key, nowMs)) {
    throw new DomainError('upload_busy', 'another request is writing to this upload: ask for its offset and go on then')
  }
  throw unknownUpload()
}

/** A session that this request alone may write to until it is disposed. */
export class HeldUpload implements AsyncDisposable {
  offsetBytes: number
  readonly leaseId: string
  readonly #deps: BlobDeps
  readonly #session: Row<'upload_sessions'>
  #state: UploadState
  /** Hash of bytes 0..offsetBytes, where this process knows it. */
  #hash: RunningHash | undefined
  #isOver = false
  /** Stays open until the end of the request, for a commit to take up its file. */
  #writer: UploadWriter | undefined
  readonly #renewal: Timer

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
    // A renewal that fails leaves the lease to run out; the next write under it is then refused.
    this.#renewal = setInterval(() => void this.#renew().catch(() => {}), renewEveryMs)
  }

  get #held(): { id: string; leaseId: string } {
    return { id: this.#session.id, leaseId: this.leaseId }
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
    try {
      await this.#append(body)
    } catch (error) {
      if (error instanceof DomainError) await this.#dropRefused()
      throw error
    }
  }

  async #append(body: UploadBody): Promise<void> {
    // The copy undoes a refused request: the session's own hash still stands at its offset.
    const hash = this.#hash?.copy()
    const writer = await this.#deps.store.openUpload(this.staged())
    this.#writer = writer
    try {
      await copyBody(body, { hash, write: chunk => writer.write(chunk) })
    } catch (error) {
      if (error instanceof DomainError) throw error
      // The client went away: what it sent is good, and it may come back for the rest.
      this.#moveTo(await writer.flush(), hash)
      await this.keep()
      throw error
    }
    this.#moveTo(await writer.flush(), hash)
  }

  /**
   * Opening drops what lies past the offset: on a full disk its room is needed, to let the session go at the least. What
   * another request wrote, which took the session over, stays.
   */
  async #dropRefused(): Promise<void> {
    const { db, clock, store } = this.#deps
    try {
      if (!(await isSessionHeld(db.read, { ...this.#held, nowMs: clock.nowMs() }))) return
      await (await store.openUpload(this.staged()))[Symbol.asyncDispose]()
    } catch {
      // Whoever writes next drops it.
    }
  }

  /** Writes the offset that was reached, and lets the session go. */
  async keep(): Promise<void> {
    await this.#writer?.close()
    const nowMs = this.#deps.clock.nowMs()
    const isHeld = await this.#deps.db.write(
      tx =>
        updateHeldSession(tx, this.#held, {
          offset_bytes: this.offsetBytes,
          digest_so_far: this.#digestSoFar(),
          store_state: this.#state,
          lease_id: null,
          lease_until_ms: 0,
          expires_ms: nowMs + this.#deps.uploadExpiryMs,
        }),
      { survives: 'crash' },
    )
    this.#isOver = true
    if (!isHeld) throw unknownUpload()
    if (this.#hash) this.#deps.hashes.keep(this.#session.id, this.#hash, this.offsetBytes)
  }

  /** Digest of everything received, read again from the staged bytes only when nobody has it. */
  async digest(algorithm: DigestAlgorithm): Promise<Digest> {
    if (this.#hash?.algorithm === algorithm) return this.#hash.copy().digest()
    const hash = startHash(algorithm)
    try {
      for await (const chunk of await this.#deps.store.readUpload(this.staged())) hash.update(chunk)
      return hash.digest()
    } catch (error) {
      // Staged bytes may be lost in a power cut, so what the row says of them is not believed. But where they are gone
      // because a publication was cut, the row names what was published, and the store finds it.
      const published = this.#digestSoFar()
      if (!isDomainError(error, 'upload_unknown') || !published) throw error
      return digestFromBytes(published)
    }
  }

  /**
   * Writes what is staged and its digest without letting the session go: publishing moves the bytes away, and after a
   * crash in the middle of it the upload can be ended without them.
   */
  async note(digest: Digest): Promise<void> {
    // Nothing was promised of an upload that had no byte yet, and where no byte came the row may say it all.
    const { offset_bytes, digest_so_far } = this.#session
    if (offset_bytes === 0 || (digest_so_far && digestFromBytes(digest_so_far) === digest)) return
    const isHeld = await this.#deps.db.write(
      tx =>
        updateHeldSession(tx, this.#held, {
          offset_bytes: this.offsetBytes,
          digest_so_far: digestToBytes(digest),
          store_state: this.#state,
        }),
      { survives: 'crash' },
    )
    if (!isHeld) throw unknownUpload()
  }

  /** Removes the session and its bytes. */
  async end(): Promise<void> {
    this.forget()
    const wasHeld = await this.#deps.db.write(tx => deleteHeldSession(tx, this.#held), { survives: 'crash' })
    // Of a session that another request took meanwhile the bytes are that one's.
    if (wasHeld) await this.#deps.store.abort(this.staged())
  }

  /** The session is gone; nothing is to be let go. */
  forget(): void {
    this.#isOver = true
    this.#deps.hashes.drop(this.#session.id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#renewal)
    await this.#writer?.[Symbol.asyncDispose]()
    if (!this.#isOver) await this.#letGo()
  }

  async #letGo(): Promise<void> {
    try {
      await letGo(this.#deps, this.#held)
    } catch {
      // Something failed before, and that is what the client is told.
      letGoLater(this.#deps, this.#held)
    }
  }

  #moveTo(flushed: { offsetBytes: number; state: UploadState }, hash: RunningHash | undefined): void {
    this.offsetBytes = flushed.offsetBytes
    this.#state = flushed.state
    this.#hash = hash
  }

  /** Of bytes 0..offsetBytes; where this process has no hash, what the row says of the same offset still holds. */
  #digestSoFar(): Uint8Array | null {
    if (this.#hash) return digestToBytes(this.#hash.copy().digest())
    return this.offsetBytes === this.#session.offset_bytes ? this.#session.digest_so_far : null
  }

  /** As long as this process lives and works, nobody else gets the session. */
  async #renew(): Promise<void> {
    const untilMs = this.#deps.clock.nowMs() + leaseMs
    await this.#deps.db.write(
      tx =>
        updateHeldSession(tx, this.#held, { lease_until_ms: untilMs, expires_ms: untilMs + this.#deps.uploadExpiryMs }),
      { survives: 'crash' },
    )
  }
}

async function letGo(deps: BlobDeps, held: { id: string; leaseId: string }): Promise<void> {
  await deps.db.write(tx => updateHeldSession(tx, held, { lease_id: null, lease_until_ms: 0 }), { survives: 'crash' })
}

/** Where there was no room or no database for it: tried again until the lease has run out by itself. */
function letGoLater(deps: BlobDeps, held: { id: string; leaseId: string }): void {
  let triesLeft = leaseMs / letGoEveryMs
  const tryAgain = () => {
    triesLeft--
    void letGo(deps, held).catch(() => triesLeft > 0 && later())
  }
  const later = () => setTimeout(tryAgain, letGoEveryMs).unref()
  later()
}

export function unknownUpload(): DomainError {
  return new DomainError('upload_unknown', 'there is no such upload, or it has expired: start it again')
}
