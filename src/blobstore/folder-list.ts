import { readdir } from 'node:fs/promises'
import type { BlobLocation, ContentPage, StoredContent } from './blobstore.ts'
import { findStats, ignoreMissingFolder } from './folder-errors.ts'
import { type FolderPaths, parseLocation, publishedPath } from './folder-layout.ts'

/**
 * A page of what lies below `blobs/`, in byte order. Folders are read in that order, so a page costs the entries of the
 * folders it touches: a 256th of all content each. Files with other names than the store makes are passed over.
 */
export async function listFolder(
  paths: FolderPaths,
  { after, limit }: { after: BlobLocation | undefined; limit: number },
): Promise<ContentPage> {
  const locations: BlobLocation[] = []
  for await (const location of walk(paths, after ?? '')) {
    locations.push(location)
    if (locations.length === limit) break
  }
  const found = await Promise.all(locations.map(location => describe(paths, location)))
  return {
    content: found.filter(content => content !== undefined),
    next: locations.length === limit ? locations.at(-1) : undefined,
  }
}

/** Locations behind `after`, in order. */
async function* walk(paths: FolderPaths, after: string): AsyncIterable<BlobLocation> {
  for (const algorithm of await namesIn(paths.blobsDir)) {
    if (isPassed(`${algorithm}/`, after)) continue
    for (const shard of await namesIn(`${paths.blobsDir}/${algorithm}`)) {
      const folder = `${algorithm}/${shard}/`
      if (isPassed(folder, after)) continue
      for (const name of await namesIn(`${paths.blobsDir}/${folder}`)) {
        const location = `${folder}${name}` as BlobLocation
        if (location > after && parseLocation(location)) yield location
      }
    }
  }
}

/** True for a folder whose whole content lies before `after`. */
function isPassed(folder: string, after: string): boolean {
  return folder < after && !after.startsWith(folder)
}

async function namesIn(folder: string): Promise<string[]> {
  return (await ignoreMissingFolder(readdir(folder))).sort()
}

/** Undefined when it was removed since it was listed. */
async function describe(paths: FolderPaths, location: BlobLocation): Promise<StoredContent | undefined> {
  const stats = await findStats(publishedPath(paths, location))
  const uploadId = parseLocation(location)?.uploadId
  if (!stats?.isFile() || uploadId === undefined) return undefined
  return { location, uploadId, sizeBytes: stats.size, modifiedMs: Math.floor(stats.mtimeMs) }
}
