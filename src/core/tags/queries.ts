import { sql } from 'kysely'
import type { Database, Reader, Transaction } from '../../metadata/database.ts'
import { lockRow } from '../../metadata/dialects.ts'
import { filledUp, inPieces, insertion, perShape, statement } from '../../metadata/statement.ts'
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
  const tags = filledUp(key.tags)
  const rows = await heldTags[engine](tags.length).all(tx, { ...tags, repositoryId: key.repositoryId })
  return new Map(rows.map(row => [row.name, row.digest]))
}

/** By the number of tags, which are the values `0`, `1`, …. */
const heldTags = {
  sqlite: perShape((count: number) => holdStatement('sqlite', count)),
  postgres: perShape((count: number) => holdStatement('postgres', count)),
}

function holdStatement(engine: Database['engine'], count: number) {
  return statement((db, values: { repositoryId: number; [index: number]: string }) =>
    lockRow(
      engine,
      db
        .selectFrom('tags')
        .select(['name', 'digest'])
        .where('repository_id', '=', values.repositoryId)
        .where('name', 'in', textsOf(values, count))
        .orderBy('name'),
    ),
  )
}

function textsOf(values: { [index: number]: string }, count: number): string[] {
  return Array.from({ length: count }, (_, index) => values[index] as string)
}

/** Points tags, each named once, at one digest. */
export async function upsertTags(
  tx: Transaction,
  move: { repositoryId: number; tags: readonly string[]; digest: Uint8Array; nowMs: number },
): Promise<void> {
  const { repositoryId, digest, nowMs } = move
  for (const tags of inPieces(move.tags.toSorted(), tagsPerUpsert)) {
    await tagsUpsert(tags.length).change(tx, { ...tags, repositoryId, digest, nowMs })
  }
}

const tagsPerUpsert = 128

/** By the number of tags, which are the values `0`, `1`, …. */
const tagsUpsert = perShape((count: number) =>
  statement((db, values: { repositoryId: number; digest: Uint8Array; nowMs: number; [index: number]: string }) => {
    const { repositoryId, digest, nowMs } = values
    const columns = { repository_id: repositoryId, digest, created_ms: nowMs, updated_ms: nowMs }
    return db
      .insertInto('tags')
      .values(textsOf(values, count).map(name => ({ ...columns, name })))
      .onConflict(conflict => conflict.columns(['repository_id', 'name']).doUpdateSet({ digest, updated_ms: nowMs }))
  }),
)

export async function insertTagHistory(tx: Transaction, rows: readonly NewRow<'tag_history'>[]): Promise<void> {
  await insertHistory(tx, rows)
}

const insertHistory = insertion('tag_history', [
  'repository_id',
  'tag',
  'digest_before',
  'digest_after',
  'actor_id',
  'actor_name',
  'at_ms',
])

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

/** Removes tags by their names; those that were there, in the order of names. */
export async function deleteNamedTags(
  tx: Transaction,
  repositoryId: number,
  tags: readonly string[],
): Promise<{ tag: string; digest: Uint8Array }[]> {
  if (tags.length === 0) return []
  const rows = await tx
    .deleteFrom('tags')
    .where('repository_id', '=', repositoryId)
    .where('name', 'in', tags)
    .returning(['name as tag', 'digest'])
    .execute()
  return rows.toSorted((one, other) => (one.tag < other.tag ? -1 : 1))
}

/**
 * What removing every tag of a manifest is to be known by: a row of history and a copy of `event` for each, in one statement
 * each, for they may be many. `event` has `detail` up to where the tag's name stands in it.
 */
export async function insertDeletions(
  tx: Transaction,
  { repositoryId, digest, event }: { repositoryId: number; digest: Uint8Array; event: NewRow<'events'> },
): Promise<void> {
  const tags = tx.selectFrom('tags').where('repository_id', '=', repositoryId).where('digest', '=', digest)
  const number = (value: number | null | undefined) => sql<number>`cast(${value ?? null} as bigint)`
  const { val } = sql
  await tx
    .insertInto('tag_history')
    .columns(['repository_id', 'tag', 'digest_before', 'actor_id', 'actor_name', 'at_ms'])
    .expression(
      tags.select([
        ...(['repository_id', 'name', 'digest'] as const),
        val(event.actor_id).as('actor_id'),
        val(event.actor_name).as('actor_name'),
        number(event.at_ms).as('at_ms'),
      ]),
    )
    .execute()
  await tx
    .insertInto('events')
    .columns([
      ...(['at_ms', 'account_id', 'organization_id', 'repository_id', 'kind', 'actor_id', 'actor_name'] as const),
      ...(['source_address', 'request_id', 'digest_before', 'detail'] as const),
    ])
    .expression(
      tags.select([
        number(event.at_ms).as('at_ms'),
        val(event.account_id).as('account_id'),
        number(event.organization_id).as('organization_id'),
        'repository_id',
        val(event.kind).as('kind'),
        val(event.actor_id).as('actor_id'),
        val(event.actor_name).as('actor_name'),
        val(event.source_address).as('source_address'),
        val(event.request_id).as('request_id'),
        'digest',
        // No tag has a character that JSON escapes.
        sql<string>`${event.detail} || name || '"}'`.as('detail'),
      ]),
    )
    .execute()
}

/** Removes every tag of a manifest; how many they were. */
export async function deleteTagRows(tx: Transaction, repositoryId: number, digest: Uint8Array): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom('tags')
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest)
    .executeTakeFirst()
  return Number(numDeletedRows)
}

/** Names after `after`, in byte order. */
export async function listTagNames(
  db: Reader,
  page: { repositoryId: number; after: string | undefined; limit: number },
): Promise<string[]> {
  // Every name is after the empty one.
  const rows = await tagNames.all(db, { ...page, after: page.after ?? '' })
  return rows.map(row => row.name)
}

const tagNames = statement((db, page: { repositoryId: number; after: string; limit: number }) =>
  db
    .selectFrom('tags')
    .select('name')
    .where('repository_id', '=', page.repositoryId)
    .where('name', '>', page.after)
    .orderBy('name')
    .limit(page.limit),
)
