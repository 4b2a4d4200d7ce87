import type { Database, Reader, Transaction } from '../../metadata/database.ts'
import { lockRow } from '../../metadata/dialects.ts'
import type { NewRow } from '../../metadata/tables.ts'

/**
 * The digests that these tags name, by tag; those that are not there are not in the map. Their rows are held against
 * other movers until the transaction ends, in the order of their names, so that two pushes don't wait for each other.
 */
export async function holdTags(
  tx: Transaction,
  engine: Database['engine'],
  key: { repositoryId: number; tags: readonly string[] },
): Promise<ReadonlyMap<string, Uint8Array>> {
  const select = tx
    .selectFrom('tags')
    .select(['name', 'digest'])
    .where('repository_id', '=', key.repositoryId)
    .where('name', 'in', key.tags)
    .orderBy('name')
  const rows = await lockRow(engine, select).execute()
  return new Map(rows.map(row => [row.name, row.digest]))
}

/** Points tags, each named once, at one digest. */
export async function upsertTags(
  tx: Transaction,
  move: { repositoryId: number; tags: readonly string[]; digest: Uint8Array; nowMs: number },
): Promise<void> {
  const { repositoryId, digest, nowMs } = move
  await tx
    .insertInto('tags')
    .values(
      move.tags.toSorted().map(name => ({
        repository_id: repositoryId,
        name,
        digest,
        created_ms: nowMs,
        updated_ms: nowMs,
      })),
    )
    .onConflict(conflict => conflict.columns(['repository_id', 'name']).doUpdateSet({ digest, updated_ms: nowMs }))
    .execute()
}

export async function insertTagHistory(tx: Transaction, rows: readonly NewRow<'tag_history'>[]): Promise<void> {
  for (let from = 0; from < rows.length; from += rowsPerInsert) {
    await tx
      .insertInto('tag_history')
      .values(rows.slice(from, from + rowsPerInsert))
      .execute()
  }
}

/** Engines bound the number of parameters of one statement. */
const rowsPerInsert = 1000

/** Removes a tag; the digest it named, undefined when it was not there. */
export async function deleteTagRow(
  tx: Transaction,
  key: { repositoryId: number; tag: string },
): Promise<Uint8Array | undefined> {
  const row = await tx
    .deleteFrom('tags')
    .where('repository_id', '=', key.repositoryId)
    .where('name', '=', key.tag)
    .returning('digest')
    .executeTakeFirst()
  return row?.digest
}

/** Removes every tag of a manifest; their names. */
export async function deleteTagsOf(tx: Transaction, repositoryId: number, digest: Uint8Array): Promise<string[]> {
  const rows = await tx
    .deleteFrom('tags')
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest)
    .returning('name')
    .execute()
  return rows.map(row => row.name)
}

/** Names after `after`, in byte order. */
export async function listTagNames(
  db: Reader,
  page: { repositoryId: number; after: string | undefined; limit: number },
): Promise<string[]> {
  let select = db
    .selectFrom('tags')
    .select('name')
    .where('repository_id', '=', page.repositoryId)
    .orderBy('name')
    .limit(page.limit)
  if (page.after !== undefined) select = select.where('name', '>', page.after)
  const rows = await select.execute()
  return rows.map(row => row.name)
}
