import type { BlobLocation } from './blobstore.ts'

/** The largest content that is kept. Configurations of images are a few KB, and pulled with every image. */
export const mostSmallBytes = 64 * 1024
const capacityBytes = 6 * 1024 * 1024
/** What an entry weighs beside its bytes. */
const entryBytes = 500

/**
 * Small content by its location, the least recently used dropped first: to answer from memory takes half the time of
 * opening a file. A location never gets other content, so nothing here can be out of date.
 */
export class SmallContent {
  readonly #entries = new Map<BlobLocation, Blob>()
  #sizeBytes = 0

  get(location: BlobLocation): Blob | undefined {
    const content = this.#entries.get(location)
    if (content) {
      this.#entries.delete(location)
      this.#entries.set(location, content)
    }
    return content
  }

  keep(location: BlobLocation, content: Blob): void {
    this.drop(location)
    this.#entries.set(location, content)
    this.#sizeBytes += content.size + entryBytes
    for (const oldest of this.#entries.keys()) {
      if (this.#sizeBytes <= capacityBytes) break
      this.drop(oldest)
    }
  }

  drop(location: BlobLocation): void {
    const content = this.#entries.get(location)
    if (!content) return
    this.#entries.delete(location)
    this.#sizeBytes -= content.size + entryBytes
  }
}
