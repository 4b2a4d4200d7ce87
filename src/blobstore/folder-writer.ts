import type { FileHandle } from 'node:fs/promises'
import { DomainError } from '../core/errors.ts'
import type { UploadState, UploadWriter } from './blobstore.ts'
import { toDomainError } from './folder-errors.ts'
import { SyncBehind } from './sync-behind.ts'
import { writeFully } from './write-fully.ts'
import type { WriteMemory } from './write-memory.ts'

/**
 * Bytes gathered before they are written. Request bodies come in chunks of 64-100 KiB on average; a call for each costs
 * a tenth more user CPU over the whole upload; batches above 256 KiB save next to nothing and hold more memory.
 */
const batchBytes = 256 * 1024

/** Chunks gathered before they are written, however small: POSIX systems take 1,024 in one call (IOV_MAX). */
const batchChunks = 512

export type FolderWriterOptions = {
  /** Open for writing; the writer closes it. */
  file: FileHandle
  /** Where the next byte goes. */
  offsetBytes: number
  state: UploadState
  /** Shared by all writers of the store. */
  memory: WriteMemory
  /** Brings what is written to the disk, or makes sure that nobody takes the file for whole. */
  sync: () => Promise<void>
  /** Called once, when the file is closed or handed over. */
  onClose: () => void
}

/**
 * Appends to one staged file. While one batch is being written the next one gathers, so that at most two batches and a
 * chunk are held; `write` waits only when both are full, or, where all writers together hold much, until its own bytes
 * are written. An error of a write under way is thrown by the next `write` or `flush`, and by every one after it: the
 * file may then hold anything past the last flushed offset.
 */
export class FolderWriter implements UploadWriter {
  readonly #options: FolderWriterOptions
  #nextOffset: number
  #gathered: Uint8Array[] = []
  #gatheredBytes = 0
  #underWay: Promise<void> | undefined
  readonly #behind: SyncBehind
  #failure: DomainError | undefined
  #closed: Promise<void> | undefined

  constructor(options: FolderWriterOptions) {
    this.#options = options
    this.#nextOffset = options.offsetBytes
    this.#behind = new SyncBehind(options.sync)
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#throwFailure()
    if (chunk.byteLength === 0) return
    this.#gathered.push(chunk)
    this.#gatheredBytes += chunk.byteLength
    const { memory } = this.#options
    memory.hold(chunk.byteLength)
    const { isTight } = memory
    if (isTight || this.#gatheredBytes >= batchBytes || this.#gathered.length >= batchChunks) await this.#sendGathered()
    if (isTight) await this.#underWay
  }

  async flush(): Promise<{ offsetBytes: number; state: UploadState }> {
    await this.#sendGathered()
    await this.#underWay
    this.#throwFailure()
    return { offsetBytes: this.#nextOffset, state: this.#options.state }
  }

  /**
   * Ends the writer and gives its file, which the caller closes, when just `offsetBytes` bytes are written; undefined,
   * and the file closed, when it isn't so.
   */
  async handOver(offsetBytes: number): Promise<FileHandle | undefined> {
    await this.#behind.settled()
    const isWhole = (this.#behind.failure ?? this.#failure ?? this.#underWay) === undefined
    if (!isWhole || this.#nextOffset !== offsetBytes) {
      await this[Symbol.asyncDispose]()
      return undefined
    }
    this.#closed = Promise.resolve()
    this.#dropGathered()
    this.#options.onClose()
    return this.#options.file
  }

  /** Waits for what is under way and closes the file. Chunks that were not flushed may be dropped. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => {})
  }

  /** Resolves when the gathered chunks are on their way, which begins when the batch before them has been written. */
  async #sendGathered(): Promise<void> {
    while (this.#underWay !== undefined) await this.#underWay
    this.#throwFailure()
    if (this.#gathered.length === 0) return
    const chunks = this.#gathered
    const position = this.#nextOffset
    this.#nextOffset += this.#gatheredBytes
    this.#gathered = []
    this.#gatheredBytes = 0
    this.#underWay = this.#writeBatch(chunks, position)
  }

  /** Never rejects: its error waits for the next call. */
  async #writeBatch(chunks: readonly Uint8Array[], position: number): Promise<void> {
    try {
      await writeFully(this.#options.file.fd, chunks, position)
      this.#behind.written(this.#nextOffset)
    } catch (error) {
      this.#failure ??= toDomainError({ doing: 'writing staged content' }, error)
    } finally {
      this.#underWay = undefined
      for (const chunk of chunks) {
        this.#options.memory.release(chunk.byteLength)
        freeBuffer(chunk)
      }
    }
  }

  #throwFailure(): void {
    if (this.#behind.failure !== undefined) throw this.#behind.failure
    if (this.#failure !== undefined) throw this.#failure
  }

  #dropGathered(): void {
    this.#failure ??= new DomainError('unavailable', 'This writer is closed: open the upload again.')
    this.#options.memory.release(this.#gatheredBytes)
    this.#gathered = []
    this.#gatheredBytes = 0
  }

  async #close(): Promise<void> {
    this.#dropGathered()
    await this.#underWay
    await this.#behind.settled()
    try {
      await this.#options.file.close()
    } finally {
      this.#options.onClose()
    }
    if (this.#behind.failure !== undefined) throw this.#behind.failure
  }
}

/**
 * Gives a chunk's memory back now. The collector sees the small object and not the buffer behind it, and comes late:
 * sixteen uploads then hold 80 MB of dead chunks, and collecting by force costs a third of an upload's time.
 */
function freeBuffer({ buffer, byteLength }: Uint8Array): void {
  // A part of a larger buffer is not ours to take away.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
