import type { RunningHash } from '../../protocol/oci/digest.ts'

/** Sessions whose hash is kept at most; one that fell out is hashed again from its staged bytes. */
const keptHashes = 20_000

/**
 * Hashes of uploads under way, so that closing one needs no second read of its bytes. Each is valid for exactly one
 * offset: another process may have continued the upload meanwhile.
 */
export class UploadHashes {
  readonly #hashes = new Map<string, { hash: RunningHash; offsetBytes: number }>()

  /** The hash of bytes 0..offsetBytes, if this process knows it. The caller gets a copy of its own. */
  at(uploadId: string, offsetBytes: number): RunningHash | undefined {
    const known = this.#hashes.get(uploadId)
    return known?.offsetBytes === offsetBytes ? known.hash.copy() : undefined
  }

  keep(uploadId: string, hash: RunningHash, offsetBytes: number): void {
    this.#hashes.delete(uploadId)
    this.#hashes.set(uploadId, { hash, offsetBytes })
    if (this.#hashes.size > keptHashes) {
      const oldest = this.#hashes.keys().next().value
      if (oldest !== undefined) this.#hashes.delete(oldest)
    }
  }

  drop(uploadId: string): void {
    this.#hashes.delete(uploadId)
  }
}
