import type { BlobContent, BlobLocation, BlobStore } from '../../blobstore/blobstore.ts'
import type { Database } from '../../metadata/database.ts'
import { type Digest, digestToBytes } from '../../protocol/oci/digest.ts'
import type { ByteRange } from '../../protocol/oci/range.ts'
import { requireAllowed } from '../access/access.ts'
import { decide } from '../access/decide.ts'
import { factsParameters, type Place, readFacts } from '../access/queries.ts'
import { AnswerMemory } from '../answer-memory.ts'
import type { Caller } from '../caller.ts'
import { DomainError, isDomainError } from '../errors.ts'
import { linkedBlobQuery } from './queries.ts'

/** A blob that this caller may read here: its size and the place of its bytes. */
export type ReadableBlob = { sizeBytes: number; location: BlobLocation }

export type BlobReader = {
  /** Rights and row in one query. Throws `blob_unknown`, `repository_unknown`, `organization_unknown`, … */
  find: (caller: Caller, place: Required<Place>, digest: Digest) => Promise<ReadableBlob>
  /** Opens the bytes, before any header goes out. Throws `unavailable` when the row is there and the bytes are not. */
  open: (blob: ReadableBlob, range?: ByteRange) => Promise<BlobContent>
}

export function openBlobReader(deps: { db: Database; store: BlobStore }): BlobReader {
  const query = linkedBlobQuery(deps.db)
  const memory = new AnswerMemory<ReadableBlob>(deps.db)
  return {
    find: (caller, place, digest) => {
      const path = `${place.organization}/${place.repository}`
      return memory.answer(caller, `${path}@${digest}`, async () => {
        const [row] = await query([...factsParameters(caller, place), digestToBytes(digest)])
        if (!row) throw new Error('the blob query always answers one row')
        const facts = readFacts(caller, row)
        requireAllowed(decide(caller, 'repository.pull', facts, path), facts, place)
        if (row.blob_size === null || row.blob_location === null) {
          throw new DomainError('blob_unknown', `${path} holds no blob ${digest}`, { digest })
        }
        return { sizeBytes: row.blob_size, location: row.blob_location as BlobLocation }
      })
    },
    open: async (blob, range) => {
      try {
        return await deps.store.open(blob.location, range)
      } catch (error) {
        if (!isDomainError(error, 'blob_unknown')) throw error
        throw new DomainError(
          'unavailable',
          'the bytes of this blob are missing from the blob store: is its disk mounted?',
          { location: blob.location },
          { cause: error },
        )
      }
    },
  }
}
