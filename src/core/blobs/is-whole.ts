import type { BlobLocation, BlobStore } from '../../blobstore/blobstore.ts'
import type { BlobRow } from './queries.ts'

/**
 * Whether the bytes that a row tells of are on the disk, all of them. They are not after a damage (a file that was
 * removed, a file system that came back short), and who has them may then bring them again.
 */
export async function isWhole(store: BlobStore, { size_bytes, location }: BlobRow): Promise<boolean> {
  return (await store.findSize(location as BlobLocation)) === size_bytes
}
