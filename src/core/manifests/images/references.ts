import { targetOfAccessoryTag } from '../../../protocol/oci/accessory-tags.ts'
import { digestToBytes } from '../../../protocol/oci/digest.ts'
import type { Place } from '../../access/queries.ts'
import type { Caller } from '../../caller.ts'
import type { ReadDeps } from '../../organizations/deps.ts'
import { requireImage } from './list-images.ts'
import { listTagsOf } from './queries.ts'

/**
 * A page of the tags that something belongs to, in byte order: of a signature or another accessory, be it by cosign's tag or
 * by its subject, those of its image; of an image the others that name the same manifest, and share its signatures. Throws
 * `tag_unknown` and what `Access.require` throws.
 */
export async function listReferences(
  deps: ReadDeps,
  caller: Caller,
  place: Required<Place>,
  { tag, after, limit }: { tag: string; after: string; limit: number },
): Promise<{ tags: string[]; hasMore: boolean }> {
  const { row, repositoryId } = await requireImage(deps, caller, place, tag)
  const byTag = targetOfAccessoryTag(tag)
  const targets = [...(byTag ? [digestToBytes(byTag)] : []), ...(row.subject_digest ? [row.subject_digest] : [])]
  const tags = await listTagsOf(deps.db.read, {
    repositoryId,
    digests: targets.length === 0 ? [row.digest] : targets,
    besides: tag,
    after,
    limit: limit + 1,
  })
  return { tags: tags.slice(0, limit), hasMore: tags.length > limit }
}
