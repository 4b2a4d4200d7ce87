import type { BlobContent, BlobLocation, BlobStore } from '../../blobstore/blobstore.ts'
import type { Database } from '../../metadata/database.ts'
import { type Digest, digestToBytes } from '../../protocol/oci/digest.ts'
import type { ByteRange } from '../../protocol/oci/range.ts'
import { requireAllowed } from '../access/access.ts'
import { decide } from '../access/decide.ts'
import { factsParameters, type Place, readFacts } from '../access/queries.ts'
import { AnswerMemory } from '../answer-memory.ts'
import type { Caller } from '../caller.ts'
import type { Clock } from '../clock.ts'
import { DomainError, isDomainError } from '../errors.ts'
import { isWhole } from './is-whole.ts'
import { findPresentBlob, type LinkKey, linkedBlobQuery } from './queries.ts'

/** A blob that this caller may read here: its size, the place of its bytes, and the link by which it is held. */
export type ReadableBlob = {
  sizeBytes: number
  location: BlobLocation
  link: LinkKey & { usedMs: number }
  /** When the share ends by which the caller may read it; undefined for other rights. */
  untilMs: number | undefined
  /** Of the repository. */
  accountId: string
}

export type BlobReader = {
  /** Rights and row in one query. Throws `blob_unknown`, `repository_unknown`, `organization_unknown`, … */
  find: (caller: Caller, place: Required<Place>, digest: Digest) => Promise<ReadableBlob>
  /** Throws `blob_unknown` when the bytes are not there in full: who hears of a blob without them would not push it. */
  requireBytes: (blob: ReadableBlob) => Promise<void>
  /**
   * Opens the bytes, before any header goes out. Throws `unavailable` when the row is there and the bytes, or some of
   * them, are not, and `blob_unknown` when both went since it was found.
   */
  open: (blob: ReadableBlob, range?: ByteRange) => Promise<BlobContent>
}

export function openBlobReader(deps: { db: Database; store: BlobStore; clock: Clock }): BlobReader {
  const { clock } = deps
  const query = linkedBlobQuery(deps.db)
  const memory = new AnswerMemory<ReadableBlob>(deps.db, 'content', { clock, endOf: blob => blob.untilMs })
  return {
    find: (caller, place, digest) => {
      const path = `${place.organization}/${place.repository}`
      return memory.answer(caller, `${path}@${digest}`, async () => {
        const bytes = digestToBytes(digest)
        const [row] = await query([...factsParameters(caller, place), bytes])
        if (!row) throw new Error('the blob query always answers one row')
        const facts = readFacts(caller, row, { nowMs: clock.nowMs() })
        requireAllowed(decide(caller, 'repository.pull', facts, path), facts, place)
        const { blob_size, blob_location, link_used, repository_id, organization_account } = row
        if (blob_size === null || blob_location === null || link_used === null || repository_id === null) {
          throw new DomainError('blob_unknown', `${path} holds no blob ${digest}`, { digest })
        }
        return {
          sizeBytes: blob_size,
          location: blob_location as BlobLocation,
          link: { repositoryId: repository_id, digest: bytes, usedMs: link_used },
          untilMs: facts.repository?.sharedUntilMs,
          accountId: organization_account ?? '',
        }
      })
    },
    requireBytes: async ({ location, sizeBytes }) => {
      if (await isWhole(deps.store, { location, size_bytes: sizeBytes })) return
      throw new DomainError('blob_unknown', 'the bytes of this blob are lost: push it again', { location })
    },
    open: async (blob, range) => {
      try {
        const content = await deps.store.open(blob.location, range)
        if (content.kind === 'redirect' || content.sizeBytes === blob.sizeBytes) return content
        if (content.kind === 'stream') await content.stream.cancel()
        throw new DomainError('blob_unknown', 'The content at this location has another size than its row says.')
      } catch (error) {
        if (!isDomainError(error, 'blob_unknown')) throw error
        if ((await findPresentBlob(deps.db.read, blob.link.digest))?.location !== blob.location) throw error
        throw new DomainError(
          'unavailable',
          'the bytes of this blob are missing from the blob store: mount its disk, restore them, or push the blob again',
          { location: blob.location },
          { cause: error },
        )
      }
    },
  }
}
