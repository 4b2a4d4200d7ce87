import type { Reader } from '../../../metadata/database.ts'
import { groupsWithin } from './groups.ts'
import { type ImageRow, sumDistinctBlobs, sumReached } from './queries.ts'

/** So many manifests below indexes are looked at in one query; a single index has no more (`maxIndexReach`). */
const reachPerQuery = 10_000
/** The blobs that manifests name are as many as their documents are long: some 40,000 in so much. */
const documentBytesPerQuery = 4 * 1024 * 1024

/**
 * What each image weighs, by the hex of its digest: config and layers as the manifest states them. An index weighs the
 * distinct blobs of what it names that is here; one whose manifests are longer than 4 MiB together what they state,
 * shared layers each time.
 */
export async function sizesOf(
  db: Reader,
  repositoryId: number,
  rows: readonly ImageRow[],
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map(rows.map(row => [row.digest.toHex(), row.content_bytes]))
  const indexes = new Map(rows.filter(row => row.index_depth > 0).map(row => [row.digest.toHex(), row]))
  for (const group of groupsWithin([...indexes.values()], reachPerQuery, row => row.index_reach)) {
    await measure(db, { repositoryId, indexes: group.map(row => row.digest), sizes })
  }
  return sizes
}

async function measure(
  db: Reader,
  {
    repositoryId,
    indexes,
    sizes,
  }: { repositoryId: number; indexes: readonly Uint8Array[]; sizes: Map<string, number> },
): Promise<void> {
  const sums = await sumReached(db, repositoryId, indexes)
  const isLong = ({ document_bytes }: { document_bytes: number }) => document_bytes > documentBytesPerQuery
  for (const { root, content_bytes } of sums.filter(isLong)) sizes.set(root.toHex(), content_bytes)
  const short = sums.filter(sum => !isLong(sum))
  for (const group of groupsWithin(short, documentBytesPerQuery, sum => sum.document_bytes)) {
    const roots = group.map(sum => sum.root)
    for (const { root, size_bytes } of await sumDistinctBlobs(db, repositoryId, roots)) {
      sizes.set(root.toHex(), size_bytes)
    }
  }
}
