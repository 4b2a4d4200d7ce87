import { readdir } from 'node:fs/promises'
import type { BlobLocation, ContentPage, StoredContent } from './blobstore.ts'
import { findStats, ignoreMissingFolder } from './folder-errors.ts'
import { type FolderPaths, parseLocation, publishedPath } from './folder-layout.ts'

/**
 * Pages of what lies below `blobs/`, in byte order. Folders are read in that order, and the page that goes on where the
 * last one ended goes on with the folder as it was read then: a 256th of all content is read and sorted once, not for
 * every page. Files with other names than the store makes are passed over.
 */
export class FolderList {
  readonly #paths: FolderPaths
  #paused: { at: BlobLocation; walk: AsyncIterator<BlobLocation> } | undefined

  constructor(paths: FolderPaths) {
    this.#paths = paths
  }

  async page({ after, limit }: { after: BlobLocation | undefined; limit: number }): Promise<ContentPage> {
    const walk = this.#resume(after) ?? walkFrom(this.#paths, after ?? '')
    const locations: BlobLocation[] = []
    while (locations.length < limit) {
      const { value, done } = await walk.next()
      if (done) break
      locations.push(value)
    }
    const next = locations.length === limit ? locations.at(-1) : undefined
    if (next !== undefined) this.#paused = { at: next, walk }
    const found = await Promise.all(locations.map(location => describe(this.#paths, location)))
    return { content: found.filter(content => content !== undefined), next }
  }

  /** Two that list at once have a walk each. */
  #resume(after: BlobLocation | undefined): AsyncIterator<BlobLocation> | undefined {
    if (this.#paused === undefined || this.#paused.at !== after) return undefined
    const { walk } = this.#paused
    this.#paused = undefined
    return walk
  }
}

/** Locations behind `after`, in order. */
async function* walkFrom(paths: FolderPaths, after: string): AsyncGenerator<BlobLocation, undefined> {
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
