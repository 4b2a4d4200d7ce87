import type { DigestAlgorithm } from '../protocol/oci/digest.ts'
import type { ByteRange } from '../protocol/oci/range.ts'

/**
 * Where content lives, told apart from what is known about it: the blob store keeps bytes under opaque locations, and
 * metadata says which digest is where. The store knows no organization, repository or user, and no storage key carries
 * one.
 *
 * Promises every store makes:
 * - `commit` resolves only when the bytes survive a power cut; a location is never used twice.
 * - bytes reported by `flush` survive `kill -9` of the process (not a power cut) and can be continued by another
 *   process from the returned state.
 * - nothing staged is readable through `open`.
 */
export interface BlobStore extends AsyncDisposable {
  /**
   * Begins staged content under an id that was never used before: 1 to 64 of `A-Z a-z 0-9 _ -`, else `upload_unknown`.
   * The answer is opaque state that the caller keeps with the upload session.
   */
  startUpload(uploadId: string): Promise<UploadState>

  /**
   * Opens staged content for appending at `offsetBytes`; whatever lies past it (a request that was cut) is dropped.
   * One writer at a time: the caller holds the session's lease. Throws `upload_unknown` when the bytes are gone.
   */
  openUpload(upload: StagedUpload): Promise<UploadWriter>

  /** Reads staged bytes 0..offsetBytes again, to hash them in a process that has not seen them. */
  readUpload(upload: StagedUpload): Promise<ReadableStream<Uint8Array>>

  /**
   * Publishes staged content and makes it durable. Returns its location; `digest` is written into the location. Again
   * with the same upload and digest (after a crash before metadata knew of it) it returns the same location. Throws
   * `upload_unknown` when the bytes are gone; bytes that could not be synced are dropped, so the client starts again.
   */
  commit(upload: StagedUpload, digest: ContentDigest): Promise<BlobLocation>

  /**
   * Takes back a commit that no metadata came to mention: the content is staged as it was before, and the location holds
   * nothing. Needs no room. Throws `upload_unknown` when the bytes are gone.
   */
  retract(upload: StagedUpload, location: BlobLocation): Promise<void>

  /** Drops staged content. Unknown uploads are no error: the sweep and a client may both end one. */
  abort(upload: StagedUpload): Promise<void>

  /** Opens published content before any header goes out. Throws `blob_unknown` when the location holds nothing. */
  open(location: BlobLocation, range?: ByteRange): Promise<BlobContent>

  /**
   * How much content a location holds now, asked of the disk and never of a memory; undefined when it holds none. Costs
   * a request that asks some microseconds.
   */
  findSize(location: BlobLocation): Promise<number | undefined>

  /** Removes published content; nothing there is no error. */
  remove(location: BlobLocation): Promise<void>

  /**
   * Staged uploads with bytes that began to come before `beforeMs` (Unix ms), for the sweep of those that no session row
   * knows.
   */
  listUploads(beforeMs: number): AsyncIterable<string>

  /**
   * Some `limit` pieces of published content behind `after`, in the byte order of their locations, which is that of
   * rows ordered by location: so a walk over both finds what one lacks of the other. What is published or removed
   * meanwhile may be listed or not.
   */
  listContent(page: { after: BlobLocation | undefined; limit: number }): Promise<ContentPage>

  /** Throws `unavailable` with a sentence that says what is wrong when content cannot be read or written now. */
  check(): Promise<void>

  /** Bytes that may still be written, where the store can tell. */
  freeBytes(): Promise<number | undefined>
}

/** Opaque outside the store that made it: kept in the session row, given back unchanged. */
export type UploadState = string & { readonly __brand: 'UploadState' }

/** Opaque outside the store that made it: kept in the blob's row. */
export type BlobLocation = string & { readonly __brand: 'BlobLocation' }

export type StagedUpload = { uploadId: string; state: UploadState; offsetBytes: number }

/** Published content as the store itself knows it. `modifiedMs` (Unix ms) is when its last byte was written. */
export type StoredContent = { location: BlobLocation; uploadId: string; sizeBytes: number; modifiedMs: number }

export type ContentPage = {
  content: readonly StoredContent[]
  /** Where the next page goes on: nothing up to here is missing in this one. Undefined when there is no more. */
  next: BlobLocation | undefined
}

export type ContentDigest = { algorithm: DigestAlgorithm; hex: string }

/** Staged content open for appending. */
export interface UploadWriter extends AsyncDisposable {
  /**
   * Takes a chunk and the buffer it fills: both are the writer's from now on, and the buffer may be detached as soon as
   * its bytes are written. Resolves when more may be given (backpressure). Throws `storage_full` when there is no room.
   */
  write(chunk: Uint8Array): Promise<void>

  /** Resolves when everything taken so far survives the death of this process. */
  flush(): Promise<{ offsetBytes: number; state: UploadState }>

  /**
   * Ends the writer, keeping what was flushed. Throws when the store learns only now that it can't be kept: the upload is
   * then gone. Disposing does the same and throws nothing.
   */
  close(): Promise<void>
}

/** How content leaves: a file that the kernel copies, the whole in memory, a stream, or another address. */
export type BlobContent =
  | { kind: 'bytes'; bytes: Blob; sizeBytes: number; range: ByteRange | undefined }
  | { kind: 'file'; path: string; sizeBytes: number; range: ByteRange | undefined }
  | { kind: 'stream'; stream: ReadableStream<Uint8Array>; sizeBytes: number; range: ByteRange | undefined }
  | { kind: 'redirect'; url: string }
