import { DomainError } from '../core/errors.ts'
import type { BlobLocation, ContentDigest } from './blobstore.ts'

/*
 * What the folder store keeps, and nothing else of the data folder:
 *
 *   <data>/
 *     blobs/
 *       sha256/
 *         ab/
 *           ab12…ef.<upload id>      published content; the name says its digest
 *       sha512/
 *         ab/
 *           ab12…ef.<upload id>
 *     uploads/
 *       <upload id>                  staged content; a rename publishes it
 *       .probe                       there for the moment of a check
 *
 * A location is the path below `blobs/`. An upload id has no dot and no slash, so a location reads back unambiguously,
 * and the id at its end is why a location is never used twice. Folders are 0700, files 0600.
 */

export const folderMode = 0o700
export const fileMode = 0o600

export type FolderPaths = { dataDir: string; blobsDir: string; uploadsDir: string; probeFile: string }

/** Paths of one store. `dataDir` must be absolute. */
export function folderPaths(dataDir: string): FolderPaths {
  const uploadsDir = `${dataDir}/uploads`
  return { dataDir, blobsDir: `${dataDir}/blobs`, uploadsDir, probeFile: `${uploadsDir}/.probe` }
}

/** True for a name that may stand in `uploads/` and at the end of a location. */
export function isUploadId(name: string): boolean {
  return uploadIdPattern.test(name)
}

/** Path of staged content. Throws `upload_unknown` for an id that could not have been staged. */
export function stagedPath(paths: FolderPaths, uploadId: string): string {
  if (!isUploadId(uploadId)) throw new DomainError('upload_unknown', 'No upload has an id of this form.', { uploadId })
  return `${paths.uploadsDir}/${uploadId}`
}

/** The location that this content gets. Throws `digest_invalid` or `upload_unknown` when no path may be made of them. */
export function formatLocation(digest: ContentDigest, uploadId: string): BlobLocation {
  if (!isUploadId(uploadId)) throw new DomainError('upload_unknown', 'No upload has an id of this form.', { uploadId })
  const location = `${digest.algorithm}/${digest.hex.slice(0, 2)}/${digest.hex}.${uploadId}`
  if (!locationPattern.test(location)) {
    throw new DomainError('digest_invalid', 'Content can be kept under a sha256 or sha512 digest only.', { ...digest })
  }
  return location as BlobLocation
}

/**
 * Absolute path of published content. Throws `blob_unknown` for text that `formatLocation` never makes: no path that
 * leaves `blobs/` reaches the file system.
 */
export function publishedPath(paths: FolderPaths, location: BlobLocation): string {
  if (!locationPattern.test(location)) {
    throw new DomainError('blob_unknown', 'This location was not made by the folder store.', { location })
  }
  return `${paths.blobsDir}/${location}`
}

/** What a location says; undefined for text that `formatLocation` never makes. */
export function parseLocation(location: string): { uploadId: string } | undefined {
  return locationPattern.test(location) ? { uploadId: location.slice(location.lastIndexOf('.') + 1) } : undefined
}

// Longest name: 128 hex digits + dot + 64 = 193 bytes, under the 255 that file systems take.
const uploadIdPattern = /^[A-Za-z0-9_-]{1,64}$/
const locationPattern =
  /^(?:sha256\/([0-9a-f]{2})\/\1[0-9a-f]{62}|sha512\/([0-9a-f]{2})\/\2[0-9a-f]{126})\.[A-Za-z0-9_-]{1,64}$/
