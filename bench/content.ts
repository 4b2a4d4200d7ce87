import { randomBytes } from 'node:crypto'
import type { Body } from './connection.ts'

export type Blob = Body & { digest: string }

export type Image = { blobs: readonly Blob[]; manifest: Blob }

export const manifestType = 'application/vnd.oci.image.manifest.v1+json'

const shared = randomBytes(100e6)
/** Handed to the socket at once; small enough to stay in the processor's cache on its way. */
const pieceBytes = 256 * 1024

/** Content that no store has seen: a fresh beginning before bytes that all have in common. */
export function makeBlob(sizeBytes: number): Blob {
  const pieces: Uint8Array[] = [randomBytes(Math.min(32, sizeBytes))]
  for (let start = 32; start < sizeBytes; start += pieceBytes) {
    pieces.push(shared.subarray(start, Math.min(sizeBytes, start + pieceBytes)))
  }
  return { sizeBytes, pieces, digest: digestOf(pieces) }
}

/** A small image: a configuration of 1 KB and two layers of 32 KB. */
export function makeImage(): Image {
  const blobs = [1_000, 32_000, 32_000].map(makeBlob)
  return { blobs, manifest: makeManifest(blobs) }
}

/** The first blob is the configuration, the others are layers; a title makes it another manifest of the same blobs. */
export function makeManifest(blobs: readonly Blob[], title?: string): Blob {
  const [config, ...layers] = blobs.map(({ digest, sizeBytes }, index) => ({
    mediaType: `application/vnd.oci.image.${index === 0 ? 'config.v1+json' : 'layer.v1.tar+gzip'}`,
    digest,
    size: sizeBytes,
  }))
  const annotations = title === undefined ? undefined : { 'org.opencontainers.image.title': title }
  const manifest = { schemaVersion: 2, mediaType: manifestType, config, layers, annotations }
  const bytes = new TextEncoder().encode(JSON.stringify(manifest))
  return { sizeBytes: bytes.byteLength, pieces: [bytes], digest: digestOf([bytes]) }
}

function digestOf(pieces: readonly Uint8Array[]): string {
  const hash = new Bun.CryptoHasher('sha256')
  for (const piece of pieces) hash.update(piece)
  return `sha256:${hash.digest('hex')}`
}
