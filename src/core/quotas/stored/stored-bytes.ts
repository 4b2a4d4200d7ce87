import type { Transaction } from '../../../metadata/database.ts'
import { addToTotals } from '../../totals.ts'
import { type AccountBlob, addLink, subtractLinks } from './queries.ts'

/*
 * What a repository and an account store, kept with the links that it follows from:
 *
 *   bytes of a repository   the blobs it links
 *   bytes of an account     the blobs that its repositories link, each once; a deleted repository's until it is purged
 *
 * Blobs count whether a manifest names them or not, and manifests, which are metadata, do not (docs/decisions/018).
 */

export type StoredLink = AccountBlob & { repositoryId: number; sizeBytes: number }

/** Counts a link that was made, in the transaction that makes it. */
export async function countLink(tx: Transaction, link: StoredLink): Promise<void> {
  const { repositoryId, accountId, sizeBytes } = link
  const links = await addLink(tx, link)
  await addToTotals(tx, [
    { owner: `repository:${repositoryId}`, metric: 'bytes', delta: sizeBytes },
    { owner: `account:${accountId}`, metric: 'bytes', delta: links === 1 ? sizeBytes : 0 },
  ])
}

/** Counts links that went, some hundred at most, in the transaction that removes them. */
export async function uncountLinks(tx: Transaction, links: readonly StoredLink[]): Promise<void> {
  if (links.length === 0) return
  const byBlob = new Map<string, AccountBlob & { links: number; sizeBytes: number }>()
  for (const { accountId, digest, sizeBytes } of links) {
    const key = keyOf({ accountId, digest })
    byBlob.set(key, { accountId, digest, sizeBytes, links: (byBlob.get(key)?.links ?? 0) + 1 })
  }
  // In one order, whoever removes: two that meet in several blobs don't wait for each other.
  const blobs = [...byBlob].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, blob]) => blob)
  const unlinked = await subtractLinks(tx, blobs)
  await addToTotals(tx, [
    ...links.map(link => ({
      owner: `repository:${link.repositoryId}` as const,
      metric: 'bytes' as const,
      delta: -link.sizeBytes,
    })),
    ...unlinked.map(blob => ({
      owner: `account:${blob.accountId}` as const,
      metric: 'bytes' as const,
      delta: -(byBlob.get(keyOf(blob))?.sizeBytes ?? 0),
    })),
  ])
}

function keyOf({ accountId, digest }: AccountBlob): string {
  return `${accountId} ${digest.toHex()}`
}
