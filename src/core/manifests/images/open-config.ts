import type { BlobContent } from '../../../blobstore/blobstore.ts'
import { digestFromBytes } from '../../../protocol/oci/digest.ts'
import type { Place } from '../../access/queries.ts'
import type { BlobReader } from '../../blobs/read.ts'
import type { Caller } from '../../caller.ts'
import { DomainError } from '../../errors.ts'
import type { ReadDeps } from '../../organizations/deps.ts'
import { requireImage } from './list-images.ts'

/**
 * Opens the config of an image, as it was pushed. Throws `tag_unknown`, `config_unavailable` for an index, for an artifact
 * without a config and for one of more than `mostBytes`, and `blob_unknown` where the repository does not hold it.
 */
export async function openConfig(
  deps: ReadDeps & { blobReader: BlobReader },
  caller: Caller,
  place: Required<Place>,
  { tag, mostBytes }: { tag: string; mostBytes: number },
): Promise<BlobContent> {
  const { row } = await requireImage(deps, caller, place, tag)
  if (!row.config_digest) {
    const what = row.index_depth > 0 ? 'is an index of images, each with a config of its own' : 'has no config'
    throw new DomainError('config_unavailable', `what ${tag} names ${what}`, { tag })
  }
  const blob = await deps.blobReader.find(caller, place, digestFromBytes(row.config_digest))
  if (blob.sizeBytes > mostBytes) {
    const message = `the config of ${tag} has ${blob.sizeBytes} bytes, and at most ${mostBytes} are shown: pull the blob`
    throw new DomainError('config_unavailable', message, { tag })
  }
  return deps.blobReader.open(blob)
}
