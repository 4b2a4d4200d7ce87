import { type SqlBool, sql } from 'kysely'
import type { BlobLocation } from '../../blobstore/blobstore.ts'
import type { Database, Reader, Transaction } from '../../metadata/database.ts'
import { skipLockedRow } from '../../metadata/dialects.ts'
import type { NewRow, Row } from '../../metadata/tables.ts'

type Engine = Database['engine']

export type LinkPosition = { repositoryId: number; digest: Uint8Array }

/** Behind the one and up to the other, in the order of links. */
export type LinkRange = { after: LinkPosition; upTo: LinkPosition }

/** A row of `blob_links`, by the name it has in the query, that no manifest needs and no push relied on since. */
export function isUnusedLink(link: string, cutoffMs: number) {
  const column = (name: string) => sql.ref(`${link}.${name}`)
  return sql<SqlBool>`(${column('used_ms')} <= ${cutoffMs} and not exists (
    select 1 from manifest_blobs m
    where m.repository_id = ${column('repository_id')} and m.held_digest = ${column('digest')}))`
}

const isBehind = ({ repositoryId, digest }: LinkPosition) =>
  sql<SqlBool>`(blob_links.repository_id, blob_links.digest) > (${repositoryId}, ${digest})`

const isUpTo = ({ repositoryId, digest }: LinkPosition) =>
  sql<SqlBool>`(blob_links.repository_id, blob_links.digest) <= (${repositoryId}, ${digest})`

/** The links behind a place, in their order, each with whether it may go. */
export async function pageOfLinks(
  db: Reader,
  page: { after: LinkPosition; limit: number; cutoffMs: number },
): Promise<(LinkPosition & { isUnused: boolean })[]> {
  const rows = await db
    .selectFrom('blob_links')
    .select(['repository_id', 'digest'])
    .select(sql<number>`case when ${isUnusedLink('blob_links', page.cutoffMs)} then 1 else 0 end`.as('is_unused'))
    .where(isBehind(page.after))
    .orderBy('repository_id')
    .orderBy('digest')
    .limit(page.limit)
    .execute()
  return rows.map(row => ({ repositoryId: row.repository_id, digest: row.digest, isUnused: row.is_unused === 1 }))
}

/** Removes what may go in a range; the links that went. */
export async function deleteUnusedLinks(
  tx: Transaction,
  range: LinkRange,
  cutoffMs: number,
): Promise<Pick<Row<'blob_links'>, 'repository_id' | 'digest'>[]> {
  return tx
    .deleteFrom('blob_links')
    .where(isBehind(range.after))
    .where(isUpTo(range.upTo))
    .where(isUnusedLink('blob_links', cutoffMs))
    .returning(['repository_id', 'digest'])
    .execute()
}

export type BlobState = Pick<Row<'blobs'>, 'digest' | 'location' | 'size_bytes'> & {
  isCondemned: boolean
  isLinked: boolean
}

/** Blobs behind a digest, in their order. */
export async function pageOfBlobs(db: Reader, page: { after: Uint8Array; limit: number }): Promise<BlobState[]> {
  const rows = await db
    .selectFrom('blobs')
    .select(['digest', 'location', 'size_bytes', 'state'])
    .select(
      sql<number>`case when exists (select 1 from blob_links l where l.digest = blobs.digest) then 1 else 0 end`.as(
        'is_linked',
      ),
    )
    .where('digest', '>', page.after)
    .orderBy('digest')
    .limit(page.limit)
    .execute()
  return rows.map(({ state, is_linked, ...row }) => ({
    ...row,
    isCondemned: state === 'condemned',
    isLinked: is_linked === 1,
  }))
}

export type CondemnedBlob = Pick<Row<'blobs'>, 'digest' | 'location' | 'size_bytes'>

/**
 * Condemns those of the blobs that are present and that nobody links; which those were. The rows are held first: whoever
 * links a blob holds its row, too, so that a link is either there to be seen by the second statement or comes after the
 * condemnation and finds it. One statement alone would, at READ COMMITTED, wait for the row and then look for links as
 * they were before.
 */
export async function condemnUnlinked(
  tx: Transaction,
  engine: Engine,
  digests: readonly Uint8Array[],
): Promise<CondemnedBlob[]> {
  const present = tx.selectFrom('blobs').select('digest').where('digest', 'in', digests).where('state', '=', 'present')
  const held = await skipLockedRow(engine, present).execute()
  if (held.length === 0) return []
  return tx
    .updateTable('blobs')
    .set({ state: 'condemned' })
    .where(
      'digest',
      'in',
      held.map(row => row.digest),
    )
    .where('state', '=', 'present')
    .where(sql<SqlBool>`not exists (select 1 from blob_links l where l.digest = blobs.digest)`)
    .returning(['digest', 'location', 'size_bytes'])
    .execute()
}

/** Removes the rows of condemned blobs whose bytes went; one that was pushed again meanwhile is elsewhere, and stays. */
export async function deleteCondemned(tx: Transaction, locations: readonly string[]): Promise<void> {
  if (locations.length === 0) return
  await tx.deleteFrom('blobs').where('location', 'in', locations).where('state', '=', 'condemned').execute()
}

/** Digests of manifest bodies behind another, in their order, each with whether a repository holds it. */
export async function pageOfBodies(
  db: Reader,
  page: { after: Uint8Array; limit: number },
): Promise<{ digest: Uint8Array; isHeld: boolean }[]> {
  const rows = await db
    .selectFrom('manifest_bodies')
    .select('digest')
    .select(
      sql<number>`case when exists (select 1 from manifests m where m.digest = manifest_bodies.digest) then 1 else 0 end`.as(
        'is_held',
      ),
    )
    .where('digest', '>', page.after)
    .orderBy('digest')
    .limit(page.limit)
    .execute()
  return rows.map(row => ({ digest: row.digest, isHeld: row.is_held === 1 }))
}

/** Removes those of the bodies that no repository holds; their sizes. */
export async function deleteUnheldBodies(
  tx: Transaction,
  digests: readonly Uint8Array[],
): Promise<{ digest: Uint8Array; size_bytes: number }[]> {
  return tx
    .deleteFrom('manifest_bodies')
    .where('digest', 'in', digests)
    .where(sql<SqlBool>`not exists (select 1 from manifests m where m.digest = manifest_bodies.digest)`)
    .returning(['digest', sql<number>`length(body)`.as('size_bytes')])
    .execute()
}

export type PlacedBlob = Pick<Row<'blobs'>, 'digest' | 'location' | 'state'>

/** Blobs by their locations, behind one and up to another, in their order. */
export async function pageOfLocations(
  db: Reader,
  page: { after: string; upTo: string | undefined; limit: number },
): Promise<PlacedBlob[]> {
  let select = db
    .selectFrom('blobs')
    .select(['digest', 'location', 'state'])
    .where('location', '>', page.after)
    .orderBy('location')
    .limit(page.limit)
  if (page.upTo !== undefined) select = select.where('location', '<=', page.upTo)
  return select.execute()
}

/** Which of these places rows mention now. */
export async function mentionedBlobs(db: Reader, locations: readonly BlobLocation[]): Promise<PlacedBlob[]> {
  if (locations.length === 0) return []
  return db.selectFrom('blobs').select(['digest', 'location', 'state']).where('location', 'in', locations).execute()
}

/** When this installation was made: no older content is its own. */
export async function installationMadeMs(db: Reader): Promise<number> {
  const row = await db
    .selectFrom('accounts')
    .select(eb => eb.fn.min('created_ms').as('made_ms'))
    .executeTakeFirst()
  return row?.made_ms ?? Number.MAX_SAFE_INTEGER
}

/** Puts a hold on all content, or moves its end. */
export async function upsertHold(tx: Transaction, hold: NewRow<'content_holds'>): Promise<void> {
  await tx
    .insertInto('content_holds')
    .values(hold)
    .onConflict(conflict => conflict.column('id').doUpdateSet({ until_ms: hold.until_ms }))
    .execute()
}

export async function deleteHold(tx: Transaction, id: string, nowMs: number): Promise<void> {
  await tx
    .deleteFrom('content_holds')
    .where(eb => eb.or([eb('id', '=', id), eb('until_ms', '<=', nowMs)]))
    .execute()
}

/** Why no content may go now; undefined when it may. */
export async function findHold(db: Reader, nowMs: number): Promise<string | undefined> {
  const row = await db
    .selectFrom('content_holds')
    .select('reason')
    .where('until_ms', '>', nowMs)
    .limit(1)
    .executeTakeFirst()
  return row?.reason
}
