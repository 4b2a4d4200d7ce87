import { sql } from 'kysely'
import type { BlobLocation } from '../../blobstore/blobstore.ts'
import type { Database, Reader, Transaction } from '../../metadata/database.ts'
import { insertion, statement } from '../../metadata/statement.ts'
import type { Row } from '../../metadata/tables.ts'
import type { Facts } from '../access/facts.ts'
import { type FactsRow, factsColumns, factsJoins, factsOfEach, type Place } from '../access/queries.ts'
import type { Caller } from '../caller.ts'

export type BlobRow = { size_bytes: number; location: string }

export type BlobColumns = { blob_size: number | null; blob_location: string | null; link_used: number | null }

/** Rights and the blob in one round trip: the fragments' parameters, then `$5` the digest. */
export function linkedBlobQuery(db: Database) {
  return db.prepare<FactsRow & BlobColumns>(
    'blob-read',
    `select ${factsColumns}, b.size_bytes as blob_size, b.location as blob_location, l.used_ms as link_used
     from ${factsJoins}
     left join blob_links l on l.repository_id = r.id and l.digest = $5
     left join blobs b on b.digest = l.digest`,
  )
}

/** Which of these uploads may still come to be blobs: they have a session, or are being published. */
export async function livingUploads(db: Reader, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const rows = await db
    .selectFrom('upload_sessions')
    .select('id')
    .where('id', 'in', ids)
    .unionAll(db.selectFrom('publications').select('upload_id as id').where('upload_id', 'in', ids))
    .execute()
  return new Set(rows.map(row => row.id))
}

/** The blob's row when its bytes are there to be linked. Holds the row in the transaction it is asked in. */
export async function holdPresentBlob(tx: Transaction, digest: Uint8Array): Promise<BlobRow | undefined> {
  return tx
    .updateTable('blobs')
    .set({ state: 'present' })
    .where('digest', '=', digest)
    .where('state', '=', 'present')
    .returning(['size_bytes', 'location'])
    .executeTakeFirst()
}

export async function findPresentBlob(db: Reader, digest: Uint8Array): Promise<BlobRow | undefined> {
  return presentBlob.first(db, { digest })
}

const presentBlob = statement((db, { digest }: { digest: Uint8Array }) =>
  db.selectFrom('blobs').select(['size_bytes', 'location']).where('digest', '=', digest).where('state', '=', 'present'),
)

/**
 * Makes `location` the blob's place unless its bytes are present elsewhere already: of two uploads of one digest the
 * first committed row wins. At `lostLocation` they were found not to be, so a row that still names it gets the new place.
 * Returns the place that counts.
 */
export async function upsertBlob(tx: Transaction, blob: NewBlob & { lostLocation?: string }): Promise<string> {
  // No place is called ''.
  const row = await blobUpsert.first(tx, { ...blob, lostLocation: blob.lostLocation ?? '' })
  if (!row) throw new Error('an upsert always answers its row')
  return row.location
}

type NewBlob = { digest: Uint8Array; sizeBytes: number; location: BlobLocation; nowMs: number }

const blobUpsert = statement((db, blob: NewBlob & { lostLocation: string }) =>
  db
    .insertInto('blobs')
    .values({
      digest: blob.digest,
      size_bytes: blob.sizeBytes,
      location: blob.location,
      state: 'present',
      created_ms: blob.nowMs,
    })
    .onConflict(conflict =>
      conflict.column('digest').doUpdateSet(eb => ({
        location: eb
          .case()
          .when(eb.and([eb('blobs.state', '=', 'present'), eb('blobs.location', '<>', blob.lostLocation)]))
          .then(eb.ref('blobs.location'))
          .else(eb.ref('excluded.location'))
          .end(),
        state: 'present',
      })),
    )
    .returning('location'),
)

/**
 * Links a blob to a repository; false when it was linked before. Then the link counts as used now, by a time that is
 * always later than that of its making: what tells the two apart. Manifests that name the blob and came before it hold it
 * from now on.
 */
export async function insertLink(
  tx: Transaction,
  repositoryId: number,
  digest: Uint8Array,
  nowMs: number,
): Promise<boolean> {
  const link = await linkUpsert.first(tx, { repositoryId, digest, nowMs })
  if (!link || link.used_ms !== link.created_ms) return false
  await missingHold.change(tx, { repositoryId, digest })
  return true
}

const linkUpsert = statement((db, link: LinkKey & { nowMs: number }) =>
  db
    .insertInto('blob_links')
    .values({ repository_id: link.repositoryId, digest: link.digest, created_ms: link.nowMs, used_ms: link.nowMs })
    .onConflict(conflict =>
      conflict.columns(['repository_id', 'digest']).doUpdateSet(eb => ({
        used_ms: eb
          .case()
          .when('excluded.used_ms', '>', eb.ref('blob_links.created_ms'))
          .then(eb.ref('excluded.used_ms'))
          .else(eb('blob_links.created_ms', '+', 1))
          .end(),
      })),
    )
    .returning(['created_ms', 'used_ms']),
)

const missingHold = statement((db, { repositoryId, digest }: LinkKey) =>
  db
    .updateTable('manifest_blobs')
    .set({ held_digest: digest })
    .where('repository_id', '=', repositoryId)
    .where('target_digest', '=', digest)
    .where('held_digest', 'is', null),
)

export type LinkKey = { repositoryId: number; digest: Uint8Array }

/**
 * Notes that pushes rely on these links, some hundred at most; those that are there. A link whose time is later already
 * keeps it.
 */
export async function touchLinks(tx: Transaction, links: readonly LinkKey[], nowMs: number): Promise<LinkKey[]> {
  const touched = await tx
    .updateTable('blob_links')
    .set(eb => ({
      used_ms: eb.case().when('used_ms', '<', nowMs).then(nowMs).else(eb.ref('used_ms')).end(),
    }))
    .where(eb =>
      eb.or(links.map(link => eb.and([eb('repository_id', '=', link.repositoryId), eb('digest', '=', link.digest)]))),
    )
    .returning(['repository_id', 'digest'])
    .execute()
  return touched.map(row => ({ repositoryId: row.repository_id, digest: row.digest }))
}

/** Says, before content is published without a session, that its row is on its way. */
export async function insertPublication(tx: Transaction, uploadId: string, nowMs: number): Promise<void> {
  await insertPublications(tx, [{ upload_id: uploadId, begun_ms: nowMs }])
}

const insertPublications = insertion('publications', ['upload_id', 'begun_ms'])

/** Ends a publication; false when it was given up meanwhile. */
export async function deletePublication(tx: Transaction, uploadId: string): Promise<boolean> {
  return (await publicationDelete.change(tx, { uploadId })) > 0
}

const publicationDelete = statement((db, { uploadId }: { uploadId: string }) =>
  db.deleteFrom('publications').where('upload_id', '=', uploadId),
)

/** Gives up publications that began before this; what they published is then mentioned by nobody. */
export async function deletePublications(tx: Transaction, beforeMs: number): Promise<void> {
  await tx.deleteFrom('publications').where('begun_ms', '<', beforeMs).execute()
}

export async function isLinked(db: Reader, repositoryId: number, digest: Uint8Array): Promise<boolean> {
  const row = await db
    .selectFrom('blob_links')
    .select('digest')
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * The newest repositories that hold the blob, `limit` at most, and the one with the id `besides` if it is among the
 * holders, each with what the caller's rights there follow from.
 */
export async function listHolders(
  db: Reader,
  caller: Caller,
  query: { digest: Uint8Array; besides: number | undefined; limit: number; nowMs: number },
): Promise<{ place: Required<Place>; facts: Facts }[]> {
  const { digest, besides, limit, nowMs } = query
  // No repository has the id 0.
  const ids = sql`select repository_id from (
        select repository_id from blob_links where digest = ${digest} order by repository_id desc limit ${limit}
      ) newest
      union select repository_id from blob_links where digest = ${digest} and repository_id = ${besides ?? 0}`
  return factsOfEach(db, caller, { ids, nowMs })
}

/** True when a manifest of the repository needs this blob. */
export async function isBlobInUse(db: Reader, repositoryId: number, digest: Uint8Array): Promise<boolean> {
  const row = await db
    .selectFrom('manifest_blobs')
    .select('manifest_digest')
    .where('repository_id', '=', repositoryId)
    .where('held_digest', '=', digest)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Manifests of the repository that name this blob no longer hold it, and wait for it as for one that is missing. */
export async function letGo(tx: Transaction, repositoryId: number, digest: Uint8Array): Promise<void> {
  await tx
    .updateTable('manifest_blobs')
    .set({ held_digest: null })
    .where('repository_id', '=', repositoryId)
    .where('held_digest', '=', digest)
    .execute()
}

/** Removes the link; the size of the blob that was linked, undefined when none was. */
export async function deleteLink(
  tx: Transaction,
  repositoryId: number,
  digest: Uint8Array,
): Promise<number | undefined> {
  const deleted = await tx
    .deleteFrom('blob_links')
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest)
    .returning('digest')
    .executeTakeFirst()
  if (!deleted) return undefined
  const blob = await tx.selectFrom('blobs').select('size_bytes').where('digest', '=', digest).executeTakeFirstOrThrow()
  return blob.size_bytes
}

/** Where the bytes of each blob are, in the order of digests. */
export async function listBlobLocations(
  db: Reader,
  page: { after: Uint8Array; limit: number },
): Promise<Pick<Row<'blobs'>, 'digest' | 'location' | 'size_bytes'>[]> {
  return db
    .selectFrom('blobs')
    .select(['digest', 'location', 'size_bytes'])
    .where('digest', '>', page.after)
    .where('state', '=', 'present')
    .orderBy('digest')
    .limit(page.limit)
    .execute()
}
