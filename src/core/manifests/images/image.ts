import type { Reader } from '../../../metadata/database.ts'
import { type Digest, digestFromBytes, digestHex } from '../../../protocol/oci/digest.ts'
import { groupsWithin } from './groups.ts'
import { type ImageRow, readBodies } from './queries.ts'
import { sizesOf } from './sizes.ts'

/** A tag and the manifest that it names, as the management API shows them. */
export type Image = {
  /** Of the tag: one that is moved keeps it. */
  id: number
  repositoryId: number
  tag: string
  digest: Digest
  /** Hex of the config's digest; an index and an artifact without a config have none. */
  configHex: string | undefined
  isIndex: boolean
  sizeBytes: number
  createdMs: number
  updatedMs: number
  /** The manifest as it was pushed; undefined where it is not asked for, or went meanwhile. */
  document: string | undefined
}

const imagesPerSlice = 100
const documentBytesPerSlice = 1024 * 1024
const reachPerSlice = 10_000

/**
 * Images a slice at a time, in their order: a page of a thousand may have 4 GiB of documents, and is never in memory as a
 * whole. A slice is some milliseconds of work, and requests get their turn after each.
 */
export async function* slicesOf(
  db: Reader,
  repositoryId: number,
  rows: readonly ImageRow[],
  { withDocuments }: { withDocuments: boolean },
): AsyncGenerator<readonly Image[], undefined> {
  const weightOf = ({ size_bytes, index_reach }: ImageRow) =>
    1 / imagesPerSlice + (withDocuments ? size_bytes / documentBytesPerSlice : 0) + index_reach / reachPerSlice
  for (const slice of groupsWithin(rows, 1, weightOf)) {
    yield await readImages(db, repositoryId, slice, { withDocuments })
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** Some images, with their documents or without. */
export async function readImages(
  db: Reader,
  repositoryId: number,
  rows: readonly ImageRow[],
  { withDocuments }: { withDocuments: boolean },
): Promise<Image[]> {
  const [sizes, bodies] = await Promise.all([
    sizesOf(db, repositoryId, rows),
    withDocuments
      ? readBodies(db, [...new Map(rows.map(row => [row.digest.toHex(), row.digest])).values()])
      : undefined,
  ])
  return rows.map(row => {
    const hex = row.digest.toHex()
    const body = bodies?.get(hex)
    return {
      id: row.id,
      repositoryId,
      tag: row.name,
      digest: digestFromBytes(row.digest),
      configHex: row.config_digest ? digestHex(digestFromBytes(row.config_digest)) : undefined,
      isIndex: row.index_depth > 0,
      sizeBytes: sizes.get(hex) ?? row.content_bytes,
      createdMs: row.created_ms,
      updatedMs: row.updated_ms,
      document: body && new TextDecoder().decode(body),
    }
  })
}
