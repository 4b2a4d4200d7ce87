import type { Database } from '../../metadata/database.ts'
import { type Digest, digestFromBytes, digestToBytes } from '../../protocol/oci/digest.ts'
import { type Access, pathOf, requireAllowed } from '../access/access.ts'
import { decide } from '../access/decide.ts'
import type { Place } from '../access/queries.ts'
import type { Caller } from '../caller.ts'
import { listReferrers, type ReferrerRow, readAnnotations } from './queries.ts'

/** A descriptor in the answer of the referrers API (distribution-spec, "Listing Referrers"). */
export type Referrer = {
  mediaType: string
  digest: Digest
  size: number
  artifactType?: string
  annotations?: Record<string, string>
}

/**
 * A page of the manifests that name `subject`, which itself need not be there; neither need the repository, for the
 * specification knows no 404 here. One that the caller does not see has no referrers either (invariant 4).
 * Throws `unauthenticated`, `credentials_invalid`, `scope_insufficient`.
 */
export async function findReferrers(
  deps: { db: Database; access: Access },
  caller: Caller,
  place: Required<Place>,
  query: { subject: Digest; artifactType?: string; after?: Digest; size: number },
): Promise<{ referrers: Referrer[]; hasMore: boolean }> {
  const facts = await deps.access.facts(caller, place)
  const decision = decide(caller, 'repository.pull', facts, pathOf(place))
  if (!decision.isAllowed && decision.refusal === 'absent') return none
  requireAllowed(decision, facts, place)
  const { repository } = facts
  // PostgreSQL refuses U+0000 in text, and no media type holds it.
  if (!repository || query.artifactType?.includes('\0')) return none
  const rows = await listReferrers(deps.db.read, {
    repositoryId: repository.id,
    subject: digestToBytes(query.subject),
    limit: query.size + 1,
    ...(query.after && { after: digestToBytes(query.after) }),
    ...(query.artifactType !== undefined && { artifactType: query.artifactType }),
  })
  const page = firstPage(rows.slice(0, query.size))
  const annotations = await readAnnotations(
    deps.db.read,
    repository.id,
    page.map(row => row.digest),
  )
  const referrers = page.map(row => {
    const annotated = annotations.get(row.digest.toHex())
    return {
      mediaType: row.media_type,
      digest: digestFromBytes(row.digest),
      size: row.size_bytes,
      ...(row.artifact_type !== null && { artifactType: row.artifact_type }),
      ...(annotated !== undefined && { annotations: JSON.parse(annotated) as Record<string, string> }),
    }
  })
  return { referrers, hasMore: rows.length > page.length }
}

const none = { referrers: [], hasMore: false }

/** What annotations of one page may come to; a single descriptor may have almost a whole manifest of them. */
const annotationsPerPage = 1024 * 1024

/** As many rows as fit, and one at least. */
function firstPage(rows: readonly ReferrerRow[]): readonly ReferrerRow[] {
  let length = 0
  const end = rows.findIndex((row, index) => {
    length += row.annotations_length
    return index > 0 && length > annotationsPerPage
  })
  return end < 0 ? rows : rows.slice(0, end)
}
