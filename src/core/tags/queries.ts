import type { Database, Reader, Transaction } from '../../metadata/database.ts'
import { lockRow } from '../../metadata/dialects.ts'
import type { NewRow } from '../../metadata/tables.ts'

/** The digest a tag names, its row held against other movers until the transaction ends. */
export async function holdTag(
  tx: Transaction,
  engine: Database['engine'],
  key: { repositoryId: number; tag: string },
): Promise<Uint8Array | undefined> {
  const select = tx
    .selectFrom('tags')
    .select('digest')
    .where('repository_id', '=', key.repositoryId)
    .where('name', '=', key.tag)
  const row = await lockRow(engine, select).executeTakeFirst()
  return row?.digest
}

export async function upsertTag(
  tx: Transaction,
  tag: { repositoryId: number; name: string; digest: Uint8Array; nowMs: number },
): Promise<void> {
  await tx
    .insertInto('tags')
    .values({
      repository_id: tag.repositoryId,
      name: tag.name,
      digest: tag.digest,
      created_ms: tag.nowMs,
      updated_ms: tag.nowMs,
    })
    .onConflict(conflict =>
      conflict.columns(['repository_id', 'name']).doUpdateSet({ digest: tag.digest, updated_ms: tag.nowMs }),
    )
    .execute()
}

export async function insertTagHistory(tx: Transaction, row: NewRow<'tag_history'>): Promise<void> {
  await tx.insertInto('tag_history').values(row).execute()
}

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
