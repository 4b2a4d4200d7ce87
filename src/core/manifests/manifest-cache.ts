/** What the cache may weigh; one that is larger than a sixteenth of it is not kept. */
const capacityBytes = 24 * 1024 * 1024
/** What an entry weighs beside its body. */
const entryBytes = 400

/**
 * Bodies of manifests by digest, the least recently used dropped first. They can't change; whether a repository holds
 * one is asked before this is looked at (invariant 6).
 */
export class ManifestCache {
  readonly #bodies = new Map<string, Uint8Array>()
  #sizeBytes = 0

  get(digest: string): Uint8Array | undefined {
    const body = this.#bodies.get(digest)
    if (body) {
      this.#bodies.delete(digest)
      this.#bodies.set(digest, body)
    }
    return body
  }

  set(digest: string, body: Uint8Array): void {
    if (body.byteLength > capacityBytes / 16 || this.#bodies.has(digest)) return
    this.#bodies.set(digest, body)
    this.#sizeBytes += body.byteLength + entryBytes
    for (const [oldest, bytes] of this.#bodies) {
      if (this.#sizeBytes <= capacityBytes) break
      this.#bodies.delete(oldest)
      this.#sizeBytes -= bytes.byteLength + entryBytes
    }
  }
}
