import { type SqlBool, sql } from 'kysely'
import type { Reader } from '../../../metadata/database.ts'
import { isUnusedLink } from '../queries.ts'

/*
 * What a sweep would remove once deleted repositories are purged, asked of rows as they are now. Each page comes with the
 * rows that stay, too, so that it is bounded however few go.
 */

const goesIf = (condition: ReturnType<typeof isUnusedLink>) => sql<number>`case when ${condition} then 1 else 0 end`

export type ForeseenLink = {
  repository_id: number
  digest: Uint8Array
  used_ms: number
  size_bytes: number
  organization: string
  repository: string
  goes: number
}

/** Links of live repositories. */
export async function foreseenLinks(
  db: Reader,
  page: { after: { repositoryId: number; digest: Uint8Array }; limit: number; cutoffMs: number },
): Promise<ForeseenLink[]> {
  const { after } = page
  return db
    .selectFrom('blob_links as l')
    .innerJoin('repositories as r', 'r.id', 'l.repository_id')
    .innerJoin('organizations as o', 'o.id', 'r.organization_id')
    .innerJoin('blobs as b', 'b.digest', 'l.digest')
    .select([
      'l.repository_id',
      'l.digest',
      'l.used_ms',
      'b.size_bytes',
      'o.name as organization',
      'r.name as repository',
    ])
    .select(goesIf(isUnusedLink('l', page.cutoffMs)).as('goes'))
    .where(sql<SqlBool>`(l.repository_id, l.digest) > (${after.repositoryId}, ${after.digest})`)
    .orderBy('l.repository_id')
    .orderBy('l.digest')
    .limit(page.limit)
    .execute()
}

export type ForeseenContent = { digest: Uint8Array; size_bytes: number; goes: number }

type DigestPage = { after: Uint8Array; limit: number }

/** Blobs that no link will be left of. */
export async function foreseenBlobs(
  db: Reader,
  page: DigestPage & { cutoffMs: number },
): Promise<(ForeseenContent & { state: string })[]> {
  const isLeft = sql<SqlBool>`not exists (
    select 1 from blob_links l join repositories r on r.id = l.repository_id
    where l.digest = b.digest and r.deleted_ms is null and not ${isUnusedLink('l', page.cutoffMs)})`
  return db
    .selectFrom('blobs as b')
    .select(['b.digest', 'b.size_bytes', 'b.state'])
    .select(goesIf(isLeft).as('goes'))
    .where('b.digest', '>', page.after)
    .orderBy('b.digest')
    .limit(page.limit)
    .execute()
}

/** Bytes of manifests that no live repository holds. */
export async function foreseenBodies(db: Reader, page: DigestPage): Promise<ForeseenContent[]> {
  const isUnheld = sql<SqlBool>`not exists (
    select 1 from manifests m join repositories r on r.id = m.repository_id
    where m.digest = b.digest and r.deleted_ms is null)`
  return db
    .selectFrom('manifest_bodies as b')
    .select('b.digest')
    .select(sql<number>`length(b.body)`.as('size_bytes'))
    .select(goesIf(isUnheld).as('goes'))
    .where('b.digest', '>', page.after)
    .orderBy('b.digest')
    .limit(page.limit)
    .execute()
}

/** Uploads past their time that nobody writes to. */
export async function foreseenUploads(
  db: Reader,
  page: { after: string; limit: number; nowMs: number },
): Promise<{ id: string; offset_bytes: number; expires_ms: number }[]> {
  return db
    .selectFrom('upload_sessions')
    .select(['id', 'offset_bytes', 'expires_ms'])
    .where('expires_ms', '<=', page.nowMs)
    .where('lease_until_ms', '<', page.nowMs)
    .where('id', '>', page.after)
    .orderBy('id')
    .limit(page.limit)
    .execute()
}
