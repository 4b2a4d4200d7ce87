import { sql } from 'kysely'
import type { Database, Reader, Transaction } from '../../metadata/database.ts'
import { lockRow } from '../../metadata/dialects.ts'
import { filledUp, insertion, perShape, statement } from '../../metadata/statement.ts'
import type { NewRow, Row } from '../../metadata/tables.ts'
import { type FactsRow, factsColumns, factsJoins } from '../access/queries.ts'

export type ManifestColumns = {
  manifest_digest: Uint8Array | null
  manifest_media_type: string | null
  manifest_size: number | null
}

const manifestColumns =
  'm.digest as manifest_digest, m.media_type as manifest_media_type, m.size_bytes as manifest_size'

/** Rights and the manifest that a tag names, in one round trip: the fragments' parameters, then `$5` the tag. */
export function manifestByTagQuery(db: Database) {
  return db.prepare<FactsRow & ManifestColumns>(
    'manifest-by-tag',
    `select ${factsColumns}, ${manifestColumns} from ${factsJoins}
     left join tags t on t.repository_id = r.id and t.name = $5
     left join manifests m on m.repository_id = r.id and m.digest = t.digest`,
  )
}

/** The same by digest, `$5`. */
export function manifestByDigestQuery(db: Database) {
  return db.prepare<FactsRow & ManifestColumns>(
    'manifest-by-digest',
    `select ${factsColumns}, ${manifestColumns} from ${factsJoins}
     left join manifests m on m.repository_id = r.id and m.digest = $5`,
  )
}

export async function findBody(db: Reader, digest: Uint8Array): Promise<Uint8Array | undefined> {
  return (await bodyOfDigest.first(db, { digest }))?.body
}

const bodyOfDigest = statement((db, { digest }: { digest: Uint8Array }) =>
  db.selectFrom('manifest_bodies').select('body').where('digest', '=', digest),
)

/** Which of these digests the repository holds as blobs, and which as manifests; digests as hex of their binary form. */
export async function heldContent(
  db: Reader,
  repositoryId: number,
  wanted: { blobs: readonly Uint8Array[]; manifests: readonly Uint8Array[] },
): Promise<{ blobs: Set<string>; manifests: Set<string> }> {
  const held = async (table: 'blob_links' | 'manifests', digests: readonly Uint8Array[]) => {
    const found = new Set<string>()
    for (let from = 0; from < digests.length; from += digestsPerQuery) {
      const some = filledUp(digests.slice(from, from + digestsPerQuery))
      const rows = await heldAmong[table](some.length).all(db, { ...some, repositoryId })
      for (const row of rows) found.add(row.digest.toHex())
    }
    return found
  }
  return { blobs: await held('blob_links', wanted.blobs), manifests: await held('manifests', wanted.manifests) }
}

/** A power of two: engines bound the number of parameters of one query. */
const digestsPerQuery = 512

/** By the number of digests, which are the values `0`, `1`, …. */
const heldAmong = {
  blob_links: perShape((count: number) => heldStatement('blob_links', count)),
  manifests: perShape((count: number) => heldStatement('manifests', count)),
}

function heldStatement(table: 'blob_links' | 'manifests', count: number) {
  return statement((db, values: { repositoryId: number; [index: number]: Uint8Array }) =>
    db
      .selectFrom(table)
      .select('digest')
      .where('repository_id', '=', values.repositoryId)
      .where(
        'digest',
        'in',
        Array.from({ length: count }, (_, index) => values[index] as Uint8Array),
      ),
  )
}

/**
 * Lets no other transaction link content to the repository until this one ends, and waits for those that have: a link
 * refers to the repository's row, and can't while that is held so.
 */
export async function holdAgainstLinks(
  tx: Transaction,
  engine: Database['engine'],
  repositoryId: number,
): Promise<void> {
  await lockRow(engine, tx.selectFrom('repositories').select('id').where('id', '=', repositoryId)).execute()
}

/** The organization's own choice whether manifests may name what is missing; undefined where it has none. */
export async function findSparseManifests(db: Reader, organizationId: number): Promise<boolean | undefined> {
  const row = await db
    .selectFrom('organizations')
    .select('sparse_manifests')
    .where('id', '=', organizationId)
    .executeTakeFirst()
  return row?.sparse_manifests == null ? undefined : row.sparse_manifests === 1
}

/** Indexes that named a manifest before it came no longer wait for a blob of that digest. */
export async function forgetMissing(tx: Transaction, repositoryId: number, digest: Uint8Array): Promise<void> {
  await missingForget.change(tx, { repositoryId, digest })
}

const missingForget = statement((db, { repositoryId, digest }: { repositoryId: number; digest: Uint8Array }) =>
  db
    .deleteFrom('manifest_blobs')
    .where('repository_id', '=', repositoryId)
    .where('target_digest', '=', digest)
    .where('held_digest', 'is', null)
    .where('manifest_digest', 'in', eb =>
      eb
        .selectFrom('manifest_children')
        .select('manifest_digest')
        .where('repository_id', '=', repositoryId)
        .where('child_digest', '=', digest),
    ),
)

/** Stores the bytes once per digest, whatever number of repositories holds them. */
export async function insertBody(tx: Transaction, digest: Uint8Array, body: Uint8Array): Promise<void> {
  await bodyInsert.change(tx, { digest, body })
}

const bodyInsert = statement((db, { digest, body }: { digest: Uint8Array; body: Uint8Array }) =>
  db
    .insertInto('manifest_bodies')
    .values({ digest, body })
    .onConflict(conflict => conflict.doNothing()),
)

/** Adds a manifest to a repository; false when it was there before. */
export async function insertManifest(tx: Transaction, row: Row<'manifests'>): Promise<boolean> {
  return (await manifestInsert.change(tx, row)) > 0
}

const manifestInsert = statement((db, row: Row<'manifests'>) =>
  db
    .insertInto('manifests')
    .values({
      repository_id: row.repository_id,
      digest: row.digest,
      media_type: row.media_type,
      artifact_type: row.artifact_type,
      size_bytes: row.size_bytes,
      config_digest: row.config_digest,
      subject_digest: row.subject_digest,
      content_bytes: row.content_bytes,
      annotations: row.annotations,
      index_depth: row.index_depth,
      index_reach: row.index_reach,
      pusher_id: row.pusher_id,
      pushed_ms: row.pushed_ms,
    })
    .onConflict(conflict => conflict.doNothing()),
)

export async function insertReferences(
  tx: Transaction,
  references: { blobs: NewRow<'manifest_blobs'>[]; children: NewRow<'manifest_children'>[] },
): Promise<void> {
  await insertBlobReferences(tx, references.blobs)
  await insertChildren(tx, references.children)
}

const insertBlobReferences = insertion('manifest_blobs', [
  'repository_id',
  'manifest_digest',
  'target_digest',
  'held_digest',
])
const insertChildren = insertion('manifest_children', ['repository_id', 'manifest_digest', 'position', 'child_digest'])

/** Depth and reach of those manifests that are indexes, by the hex of their digests. */
export async function findShapes(
  db: Reader,
  repositoryId: number,
  digests: readonly Uint8Array[],
): Promise<ReadonlyMap<string, { depth: number; reach: number }>> {
  const shapes = new Map<string, { depth: number; reach: number }>()
  for (let from = 0; from < digests.length; from += digestsPerQuery) {
    const rows = await db
      .selectFrom('manifests')
      .select(['digest', 'index_depth', 'index_reach'])
      .where('repository_id', '=', repositoryId)
      .where('digest', 'in', digests.slice(from, from + digestsPerQuery))
      .where('index_depth', '>', 0)
      .execute()
    for (const row of rows) shapes.set(row.digest.toHex(), { depth: row.index_depth, reach: row.index_reach })
  }
  return shapes
}

/** Indexes that name one of these, `limit` at most. */
export async function findParents(
  db: Reader,
  repositoryId: number,
  digests: readonly Uint8Array[],
  limit: number,
): Promise<Uint8Array[]> {
  const rows = await db
    .selectFrom('manifest_children')
    .select('manifest_digest')
    .distinct()
    .where('repository_id', '=', repositoryId)
    .where('child_digest', 'in', digests)
    .limit(limit)
    .execute()
  return rows.map(row => row.manifest_digest)
}

/** Gives indexes the depth and reach that follow from their children as they are now. */
export async function measureAgain(
  tx: Transaction,
  repositoryId: number,
  digests: readonly Uint8Array[],
): Promise<{ depth: number; reach: number }[]> {
  if (digests.length === 0) return []
  const children = sql`manifest_children k
    left join manifests c on c.repository_id = k.repository_id and c.digest = k.child_digest
    where k.repository_id = manifests.repository_id and k.manifest_digest = manifests.digest`
  return tx
    .updateTable('manifests')
    .set({
      index_depth: sql<number>`(select 1 + max(coalesce(c.index_depth, 0)) from ${children})`,
      index_reach: sql<number>`(select cast(sum(1 + coalesce(c.index_reach, 0)) as bigint) from ${children})`,
    })
    .where('repository_id', '=', repositoryId)
    .where('digest', 'in', digests)
    .returning(['index_depth as depth', 'index_reach as reach'])
    .execute()
}

/** The type that a manifest of the repository is served with; undefined when it is not there. */
export async function findMediaType(db: Reader, repositoryId: number, digest: Uint8Array): Promise<string | undefined> {
  return (await mediaTypeOf.first(db, { repositoryId, digest }))?.media_type
}

const mediaTypeOf = statement((db, { repositoryId, digest }: { repositoryId: number; digest: Uint8Array }) =>
  db
    .selectFrom('manifests')
    .select('media_type')
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest),
)

/** Removes a manifest and its references; false when it was not there. */
export async function deleteManifestRow(tx: Transaction, repositoryId: number, digest: Uint8Array): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('manifests')
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** Pushes become visible in the repository's own time of change. */
export async function touchRepository(tx: Transaction, repositoryId: number, nowMs: number): Promise<boolean> {
  return (await repositoryTouch.change(tx, { repositoryId, nowMs })) > 0
}

const repositoryTouch = statement((db, { repositoryId, nowMs }: { repositoryId: number; nowMs: number }) =>
  db
    .updateTable('repositories')
    .set({ updated_ms: nowMs })
    .where('id', '=', repositoryId)
    .where('deleted_ms', 'is', null),
)

export type ReferrerRow = Pick<Row<'manifests'>, 'digest' | 'media_type' | 'artifact_type' | 'size_bytes'> & {
  /** Characters of the annotations as JSON. */
  annotations_length: number
}

/** Manifests of the repository whose subject is this digest, in the order of their digests. */
export async function listReferrers(
  db: Reader,
  query: { repositoryId: number; subject: Uint8Array; after?: Uint8Array; artifactType?: string; limit: number },
): Promise<ReferrerRow[]> {
  let select = db
    .selectFrom('manifests')
    .select(eb => [
      'digest',
      'media_type',
      'artifact_type',
      'size_bytes',
      eb.fn.coalesce(eb.fn<number>('length', ['annotations']), eb.lit(0)).as('annotations_length'),
    ])
    .where('repository_id', '=', query.repositoryId)
    .where('subject_digest', '=', query.subject)
    .orderBy('digest')
    .limit(query.limit)
  if (query.after) select = select.where('digest', '>', query.after)
  if (query.artifactType !== undefined) select = select.where('artifact_type', '=', query.artifactType)
  return select.execute()
}

/** Annotations of manifests as JSON, by the hex of their digests. */
export async function readAnnotations(
  db: Reader,
  repositoryId: number,
  digests: readonly Uint8Array[],
): Promise<ReadonlyMap<string, string>> {
  if (digests.length === 0) return new Map()
  const rows = await db
    .selectFrom('manifests')
    .select(['digest', 'annotations'])
    .where('repository_id', '=', repositoryId)
    .where('digest', 'in', digests)
    .where('annotations', 'is not', null)
    .execute()
  return new Map(rows.map(row => [row.digest.toHex(), row.annotations ?? '']))
}
