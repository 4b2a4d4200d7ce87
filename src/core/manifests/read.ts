import type { Database } from '../../metadata/database.ts'
import { type Digest, digestFromBytes, digestToBytes } from '../../protocol/oci/digest.ts'
import type { Reference } from '../../protocol/oci/names.ts'
import { requireAllowed } from '../access/access.ts'
import { decide } from '../access/decide.ts'
import { factsParameters, type Place, readFacts } from '../access/queries.ts'
import { AnswerMemory } from '../answer-memory.ts'
import type { Caller } from '../caller.ts'
import type { Clock } from '../clock.ts'
import { DomainError } from '../errors.ts'
import { ManifestCache } from './manifest-cache.ts'
import { findBody, manifestByDigestQuery, manifestByTagQuery } from './queries.ts'

/** A manifest that this caller may read here. */
export type ReadableManifest = {
  repositoryId: number
  digest: Digest
  mediaType: string
  sizeBytes: number
  /** When the share ends by which the caller may read it; undefined for other rights. */
  untilMs: number | undefined
  /** Of the repository. */
  accountId: string
}

export type ManifestReader = {
  /**
   * Rights, tag and manifest in one query (the fast path of a pull).
   * Throws `manifest_unknown`, `repository_unknown`, `organization_unknown`, `unauthenticated`, …
   */
  find: (caller: Caller, place: Required<Place>, reference: Reference) => Promise<ReadableManifest>
  /** The bytes as they were pushed. */
  body: (manifest: ReadableManifest) => Promise<Uint8Array>
}

export function openManifestReader(deps: { db: Database; clock: Clock }): ManifestReader {
  const { clock } = deps
  const byTag = manifestByTagQuery(deps.db)
  const byDigest = manifestByDigestQuery(deps.db)
  const memory = new AnswerMemory<ReadableManifest>(deps.db, 'content', { clock, endOf: ({ untilMs }) => untilMs })
  const cache = new ManifestCache()
  return {
    find: (caller, place, reference) => {
      const path = `${place.organization}/${place.repository}`
      const name = reference.kind === 'tag' ? reference.tag : reference.digest
      return memory.answer(caller, reference.kind === 'tag' ? `${path}:${name}` : `${path}@${name}`, async () => {
        const parameters = factsParameters(caller, place)
        const [row] =
          reference.kind === 'tag'
            ? await byTag([...parameters, reference.tag])
            : await byDigest([...parameters, digestToBytes(reference.digest)])
        if (!row) throw new Error('the manifest query always answers one row')
        const facts = readFacts(caller, row, { nowMs: clock.nowMs() })
        requireAllowed(decide(caller, 'repository.pull', facts, path), facts, place)
        if (row.manifest_digest === null || row.manifest_media_type === null || row.repository_id === null) {
          throw new DomainError('manifest_unknown', `${path} holds no manifest ${name}`, { reference: name })
        }
        return {
          repositoryId: row.repository_id,
          accountId: row.organization_account ?? '',
          digest: digestFromBytes(row.manifest_digest),
          mediaType: row.manifest_media_type,
          sizeBytes: row.manifest_size ?? 0,
          untilMs: facts.repository?.sharedUntilMs,
        }
      })
    },
    body: async manifest => {
      const known = cache.get(manifest.digest)
      if (known) return known
      const body = await findBody(deps.db.read, digestToBytes(manifest.digest))
      // Each row of a manifest refers to its bytes: without them, both went since it was found.
      if (!body) throw new DomainError('manifest_unknown', `the manifest ${manifest.digest} was deleted meanwhile`)
      cache.set(manifest.digest, body)
      return body
    },
  }
}
