import type { Transaction } from '../../../metadata/database.ts'
import { statement } from '../../../metadata/statement.ts'

export type AccountBlob = { accountId: string; digest: Uint8Array }

/** Counts one more link of a blob in the account; how many there are now. */
export async function addLink(tx: Transaction, blob: AccountBlob): Promise<number> {
  const row = await linkAddition.first(tx, blob)
  if (!row) throw new Error('an upsert always answers its row')
  return row.links
}

const linkAddition = statement((db, { accountId, digest }: AccountBlob) =>
  db
    .insertInto('account_blobs')
    .values({ account_id: accountId, digest, links: 1 })
    .onConflict(conflict =>
      conflict
        .columns(['account_id', 'digest'])
        .doUpdateSet(eb => ({ links: eb('account_blobs.links', '+', eb.ref('excluded.links')) })),
    )
    .returning('links'),
)

/**
 * Counts links that went, each blob of an account named once, some hundred at most. Returns the blobs that the account
 * links no more. Their rows are held in the order they are given.
 */
export async function subtractLinks(
  tx: Transaction,
  counts: readonly (AccountBlob & { links: number })[],
): Promise<AccountBlob[]> {
  // As an upsert, because only there both engines know the columns' types; every row is there to conflict with.
  const left = await tx
    .insertInto('account_blobs')
    .values(counts.map(({ accountId, digest, links }) => ({ account_id: accountId, digest, links: -links })))
    .onConflict(conflict =>
      conflict
        .columns(['account_id', 'digest'])
        .doUpdateSet(eb => ({ links: eb('account_blobs.links', '+', eb.ref('excluded.links')) })),
    )
    .returning(['account_id', 'digest', 'links'])
    .execute()
  const unlinked = left.filter(row => row.links === 0)
  if (unlinked.length === 0) return []
  // None but those has such a row: no transaction leaves one behind.
  await tx
    .deleteFrom('account_blobs')
    .where(
      'account_id',
      'in',
      unlinked.map(row => row.account_id),
    )
    .where(
      'digest',
      'in',
      unlinked.map(row => row.digest),
    )
    .where('links', '=', 0)
    .execute()
  return unlinked.map(row => ({ accountId: row.account_id, digest: row.digest }))
}

/** Links that were removed with what counting them needs; blobs and repositories outlive their links. */
export async function storedLinks(
  tx: Transaction,
  links: readonly { repository_id: number; digest: Uint8Array }[],
): Promise<(AccountBlob & { repositoryId: number; sizeBytes: number })[]> {
  if (links.length === 0) return []
  const ids = [...new Set(links.map(link => link.repository_id))]
  const digests = links.map(link => link.digest)
  const repositories = await tx.selectFrom('repositories').select(['id', 'account_id']).where('id', 'in', ids).execute()
  const blobs = await tx.selectFrom('blobs').select(['digest', 'size_bytes']).where('digest', 'in', digests).execute()
  const accounts = new Map(repositories.map(row => [row.id, row.account_id]))
  const sizes = new Map(blobs.map(row => [row.digest.toHex(), row.size_bytes]))
  return links.map(({ repository_id, digest }) => ({
    repositoryId: repository_id,
    accountId: accounts.get(repository_id) ?? '',
    digest,
    sizeBytes: sizes.get(digest.toHex()) ?? 0,
  }))
}
