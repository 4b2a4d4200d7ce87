import { accessoryTypeOf } from '../../../protocol/manage/accessories.ts'
import { accessoryEndings, accessoryTagsOf } from '../../../protocol/oci/accessory-tags.ts'
import { type Digest, digestFromBytes, digestHex } from '../../../protocol/oci/digest.ts'
import type { Place } from '../../access/queries.ts'
import type { Caller } from '../../caller.ts'
import type { ReadDeps } from '../../organizations/deps.ts'
import { requireImage } from './list-images.ts'
import { countReferrers, findImages, pageOfReferrers, type ReferrerImage } from './queries.ts'
import { sizesOf } from './sizes.ts'

/** A signature, an SBOM or something else that is attached to an image. */
export type Accessory = {
  /** Stays the same as long as the accessory is there. */
  id: number
  /** Empty where it has none. */
  tag: string
  digest: Digest
  sizeBytes: number
  type: string
  createdMs: number
  updatedMs: number
}

export type AccessoryList = { accountId: string; target: Digest; total: number; accessories: Accessory[] }

/**
 * A page of what is attached to an image: first by cosign's tags, in the order of these, then by referring to it
 * (`subject`), in the order of digests. Throws `tag_unknown` and what `Access.require` throws.
 */
export async function listAccessories(
  deps: ReadDeps,
  caller: Caller,
  place: Required<Place>,
  { tag, limit, offset }: { tag: string; limit: number; offset: number },
): Promise<AccessoryList> {
  const { row, repositoryId, accountId } = await requireImage(deps, caller, place, tag)
  const { read } = deps.db
  const target = digestFromBytes(row.digest)
  const tagged = await taggedAccessories(deps, repositoryId, target)
  // What is attached both ways is one accessory.
  const query = { repositoryId, subject: row.digest, besides: tagged.map(each => each.digestBytes) }
  const behindTagged = Math.max(0, offset - tagged.length)
  const page = tagged.slice(offset, offset + limit)
  const [total, referrers] = await Promise.all([
    countReferrers(read, query),
    pageOfReferrers(read, { ...query, limit: limit - page.length, offset: behindTagged }),
  ])
  const accessories = [...page.map(each => each.accessory), ...referrers.map(referringAccessory)]
  return { accountId, target, total: tagged.length + total, accessories }
}

async function taggedAccessories({ db }: ReadDeps, repositoryId: number, target: Digest) {
  const endings = new Map(accessoryTagsOf(target).map(({ tag, ending }) => [String(tag), ending]))
  const rows = endings.size === 0 ? [] : await findImages(db.read, repositoryId, [...endings.keys()])
  const sizes = await sizesOf(db.read, repositoryId, rows)
  return rows.map(row => {
    const ending = endings.get(row.name)
    const accessory: Accessory = {
      id: row.id,
      tag: row.name,
      digest: digestFromBytes(row.digest),
      sizeBytes: sizes.get(row.digest.toHex()) ?? row.content_bytes,
      type: ending ? accessoryEndings[ending] : '',
      createdMs: row.created_ms,
      updatedMs: row.updated_ms,
    }
    return { digestBytes: row.digest, accessory }
  })
}

function referringAccessory(row: ReferrerImage): Accessory {
  const digest = digestFromBytes(row.digest)
  return {
    id: idOf(digest),
    tag: row.tag ?? '',
    digest,
    sizeBytes: row.content_bytes,
    type: accessoryTypeOf(row.artifact_type ?? row.media_type),
    createdMs: row.pushed_ms,
    updatedMs: row.pushed_ms,
  }
}

/** Manifests have no number, and clients want one: 52 bits of the digest, above the ids of tags. */
function idOf(digest: Digest): number {
  return 2 ** 52 + Number.parseInt(digestHex(digest).slice(0, 13), 16)
}
