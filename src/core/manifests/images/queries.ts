import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Reader } from '../../../metadata/database.ts'

/** A tag with what its manifest's row tells. */
export type ImageRow = {
  id: number
  name: string
  digest: Uint8Array
  created_ms: number
  updated_ms: number
  media_type: string
  size_bytes: number
  config_digest: Uint8Array | null
  subject_digest: Uint8Array | null
  content_bytes: number
  index_depth: number
  index_reach: number
}

const imageColumns = [
  ...(['t.id', 't.name', 't.digest', 't.created_ms', 't.updated_ms', 'm.media_type', 'm.size_bytes'] as const),
  ...(['m.config_digest', 'm.subject_digest', 'm.content_bytes', 'm.index_depth', 'm.index_reach'] as const),
] as const

export type ImageOrder = { by: 'tag' | 'updated'; direction: 'asc' | 'desc' }

/** A place in one of the orders. */
export type ImagePosition = { name: string; updatedMs: number }

/** Those of the tags that are there, in byte order. */
export async function findImages(db: Reader, repositoryId: number, tags: readonly string[]): Promise<ImageRow[]> {
  return db
    .selectFrom('tags as t')
    .innerJoin('manifests as m', join =>
      join.onRef('m.repository_id', '=', 't.repository_id').onRef('m.digest', '=', 't.digest'),
    )
    .select(imageColumns)
    .where('t.repository_id', '=', repositoryId)
    .where('t.name', 'in', tags)
    .orderBy('t.name')
    .execute()
}

type ImageQuery = { repositoryId: number; order: ImageOrder; limit: number }

/**
 * A page behind the first `offset` tags. What is skipped is skipped in the index that has the order; rows are read only of
 * what is on the page.
 */
export async function pageOfImages(db: Reader, query: ImageQuery & { offset: number }): Promise<ImageRow[]> {
  return imagesOf(db, query, namesOf(db, query).offset(query.offset))
}

/** A page behind a place in the order, or from its beginning. */
export async function pageOfImagesAfter(
  db: Reader,
  query: ImageQuery & { after: ImagePosition | undefined },
): Promise<ImageRow[]> {
  const { after, order } = query
  const names = namesOf(db, query)
  return imagesOf(db, query, after ? names.where(isBehind(order, after)) : names)
}

function namesOf(db: Reader, { repositoryId, order, limit }: ImageQuery) {
  const names = db.selectFrom('tags').select('name').where('repository_id', '=', repositoryId).limit(limit)
  const { direction } = order
  return order.by === 'tag'
    ? names.orderBy('name', direction)
    : names.orderBy('updated_ms', direction).orderBy('name', direction)
}

function isBehind({ by, direction }: ImageOrder, after: ImagePosition): RawBuilder<SqlBool> {
  const sign = direction === 'asc' ? sql`>` : sql`<`
  return by === 'tag'
    ? sql<SqlBool>`name ${sign} ${after.name}`
    : sql<SqlBool>`(updated_ms, name) ${sign} (${after.updatedMs}, ${after.name})`
}

async function imagesOf(
  db: Reader,
  { repositoryId, order }: ImageQuery,
  names: ReturnType<typeof namesOf>,
): Promise<ImageRow[]> {
  const { direction } = order
  // Cross joins, which SQLite takes in the order they are written: it would begin with all tags otherwise.
  const images = db
    .selectFrom(names.as('p'))
    .crossJoin('tags as t')
    .crossJoin('manifests as m')
    .select(imageColumns)
    .where('t.repository_id', '=', repositoryId)
    .whereRef('t.name', '=', 'p.name')
    .where('m.repository_id', '=', repositoryId)
    .whereRef('m.digest', '=', 't.digest')
  const ordered = order.by === 'tag' ? images : images.orderBy('t.updated_ms', direction)
  return ordered.orderBy('t.name', direction).execute()
}

/** Bytes of manifests, by the hex of their digests. */
export async function readBodies(db: Reader, digests: readonly Uint8Array[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const rows = await db
    .selectFrom('manifest_bodies')
    .select(['digest', 'body'])
    .where('digest', 'in', digests)
    .execute()
  return new Map(rows.map(row => [row.digest.toHex(), row.body]))
}

/**
 * What is below each of some indexes: pairs of the index and itself or a manifest that it names, at whatever depth. Cross
 * joins here, too, so that nothing is begun with all rows of the repository.
 */
function reachedFrom(repositoryId: number, indexes: readonly Uint8Array[]) {
  return sql`with recursive reached (root, digest) as (
    select m.digest, m.digest from manifests m
    where m.repository_id = ${repositoryId} and m.digest in (${sql.join(indexes)})
    union
    select r.root, k.child_digest from reached r
    cross join manifest_children k where k.repository_id = ${repositoryId} and k.manifest_digest = r.digest)`
}

export type ReachedSum = {
  root: Uint8Array
  /** Of their documents. */
  document_bytes: number
  /** Of what they name, as they state it; what two of them name is in it twice. */
  content_bytes: number
}

/** Sums over the manifests below each of some indexes that are there, the index among them. */
export async function sumReached(
  db: Reader,
  repositoryId: number,
  indexes: readonly Uint8Array[],
): Promise<ReachedSum[]> {
  const { rows } = await sql<ReachedSum>`${reachedFrom(repositoryId, indexes)}
    select r.root, cast(sum(m.size_bytes) as bigint) as document_bytes,
      cast(sum(m.content_bytes) as bigint) as content_bytes
    from reached r cross join manifests m where m.repository_id = ${repositoryId} and m.digest = r.digest
    group by r.root`.execute(db)
  return rows
}

/**
 * The bytes of the blobs that the manifests below each of some indexes hold, each blob once. What is not held meets no blob;
 * were it left out before, SQLite would walk an index of all that is.
 */
export async function sumDistinctBlobs(
  db: Reader,
  repositoryId: number,
  indexes: readonly Uint8Array[],
): Promise<{ root: Uint8Array; size_bytes: number }[]> {
  const { rows } = await sql<{ root: Uint8Array; size_bytes: number }>`${reachedFrom(repositoryId, indexes)}
    select d.root, cast(sum(b.size_bytes) as bigint) as size_bytes
    from (
      select distinct r.root, x.held_digest from reached r
      cross join manifest_blobs x
      where x.repository_id = ${repositoryId} and x.manifest_digest = r.digest
    ) d cross join blobs b where b.digest = d.held_digest
    group by d.root`.execute(db)
  return rows
}

/** Names of the tags of some manifests behind a name, in byte order. */
export async function listTagsOf(
  db: Reader,
  query: { repositoryId: number; digests: readonly Uint8Array[]; besides: string; after: string; limit: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom('tags')
    .select('name')
    .where('repository_id', '=', query.repositoryId)
    .where('digest', 'in', query.digests)
    .where('name', '>', query.after)
    .where('name', '<>', query.besides)
    .orderBy('name')
    .limit(query.limit)
    .execute()
  return rows.map(row => row.name)
}

export type ReferrerImage = {
  digest: Uint8Array
  media_type: string
  artifact_type: string | null
  content_bytes: number
  pushed_ms: number
  /** The first of its tags. */
  tag: string | null
}

type ReferrersQuery = { repositoryId: number; subject: Uint8Array; besides: readonly Uint8Array[] }

/** A page of the manifests that refer to a subject, in the order of their digests. */
export async function pageOfReferrers(
  db: Reader,
  query: ReferrersQuery & { limit: number; offset: number },
): Promise<ReferrerImage[]> {
  return referrersOf(db, query)
    .select(['m.digest', 'm.media_type', 'm.artifact_type', 'm.content_bytes', 'm.pushed_ms'])
    .select(eb =>
      eb
        .selectFrom('tags as t')
        .select(({ fn }) => fn.min('t.name').as('name'))
        .whereRef('t.repository_id', '=', 'm.repository_id')
        .whereRef('t.digest', '=', 'm.digest')
        .as('tag'),
    )
    .orderBy('m.digest')
    .limit(query.limit)
    .offset(query.offset)
    .execute()
}

export async function countReferrers(db: Reader, query: ReferrersQuery): Promise<number> {
  const { count } = await referrersOf(db, query)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

function referrersOf(db: Reader, { repositoryId, subject, besides }: ReferrersQuery) {
  const referrers = db
    .selectFrom('manifests as m')
    .where('m.repository_id', '=', repositoryId)
    .where('m.subject_digest', '=', subject)
  return besides.length === 0 ? referrers : referrers.where('m.digest', 'not in', besides)
}
