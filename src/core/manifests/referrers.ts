import type { Database } from '../../metadata/database.ts'
import { type Digest, digestFromBytes, digestToBytes } from '../../protocol/oci/digest.ts'
import type { Access } from '../access/access.ts'
import type { Place } from '../access/queries.ts'
import type { Caller } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { listReferrers } from './queries.ts'

/** A descriptor in the answer of the referrers API (distribution-spec, "Listing Referrers"). */
export type Referrer = {
  mediaType: string
  digest: Digest
  size: number
  artifactType?: string
  annotations?: Record<string, string>
}

/** A page of the manifests that name `subject`, which itself need not be there. */
export async function findReferrers(
  deps: { db: Database; access: Access },
  caller: Caller,
  place: Required<Place>,
  query: { subject: Digest; artifactType?: string; after?: Digest; size: number },
): Promise<{ referrers: Referrer[]; hasMore: boolean }> {
  const { repository } = await deps.access.require(caller, 'repository.pull', place)
  if (!repository) throw new DomainError('repository_unknown', 'there is no such repository', { place })
  const rows = await listReferrers(deps.db.read, {
    repositoryId: repository.id,
    subject: digestToBytes(query.subject),
    limit: query.size + 1,
    ...(query.after && { after: digestToBytes(query.after) }),
    ...(query.artifactType !== undefined && { artifactType: query.artifactType }),
  })
  const referrers = rows.slice(0, query.size).map(row => ({
    mediaType: row.media_type,
    digest: digestFromBytes(row.digest),
    size: row.size_bytes,
    ...(row.artifact_type !== null && { artifactType: row.artifact_type }),
    ...(row.annotations !== null && { annotations: JSON.parse(row.annotations) as Record<string, string> }),
  }))
  return { referrers, hasMore: rows.length > query.size }
}
