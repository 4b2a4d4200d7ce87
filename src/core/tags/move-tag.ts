import type { Database, Transaction } from '../../metadata/database.ts'
import type { Actor, Requester } from '../caller.ts'
import { actorOf, recordEvents, rowOfEvent } from '../events.ts'
import { requireRoom } from '../quotas/require-room.ts'
import { countTags } from '../quotas/tag-count.ts'
import type { Target } from '../repositories/push-target.ts'
import { deleteNamedTags, deleteTagRows, holdTags, insertDeletions, insertTagHistory, upsertTags } from './queries.ts'

/**
 * Points tags, each named once, at a manifest of the repository, with a line of history and an event for each that moves. One
 * that points there already was pushed again, and is as new as if it had moved. Who moves tags holds their repository's row,
 * so that none is taken for new twice. Throws `quota_exceeded`.
 */
export async function moveTags(
  tx: Transaction,
  by: Requester,
  move: { engine: Database['engine']; target: Target; tags: readonly string[]; digest: Uint8Array; nowMs: number },
): Promise<void> {
  const { engine, target, tags, digest, nowMs } = move
  if (tags.length === 0) return
  const { repositoryId } = target
  const before = await holdTags(tx, engine, { repositoryId, tags })
  const added = tags.length - before.size
  await requireRoom(tx, target.quotas, { kind: 'tags', repositoryId, path: target.path, adding: added })
  await upsertTags(tx, { repositoryId, tags, digest, nowMs })
  await recordTagChanges(tx, by, {
    target,
    changes: tags
      .map(tag => ({ tag, before: before.get(tag), after: digest }))
      .filter(change => change.before?.toHex() !== digest.toHex()),
    nowMs,
  })
  await countTags(tx, target, added)
}

/** A tag that was moved, or removed where there is no `after`. */
export type TagChange = { tag: string; before: Uint8Array | undefined; after: Uint8Array | undefined }

/** The history rows and the events of tags that were moved or removed. */
export async function recordTagChanges(
  tx: Transaction,
  by: Requester<Actor>,
  { target, changes, nowMs }: { target: Target; changes: readonly TagChange[]; nowMs: number },
): Promise<void> {
  const { accountId, organizationId, repositoryId } = target
  const actor = actorOf(by)
  await insertTagHistory(
    tx,
    changes.map(({ tag, before, after }) => ({
      repository_id: repositoryId,
      tag,
      digest_before: before ?? null,
      digest_after: after ?? null,
      actor_id: actor.id,
      actor_name: actor.name,
      at_ms: nowMs,
    })),
  )
  await recordEvents(
    tx,
    by,
    changes.map(({ tag, before, after }) => ({
      kind: after ? 'tag.moved' : 'tag.deleted',
      atMs: nowMs,
      accountId,
      organizationId,
      repositoryId,
      ...(before && { digestBefore: before }),
      ...(after && { digestAfter: after }),
      detail: { repository: target.path, tag },
    })),
  )
}

/** Removes tags, some hundred at most, with a line of history and an event for each; those that were there. */
export async function deleteTags(
  tx: Transaction,
  by: Requester<Actor>,
  { target, tags, nowMs }: { target: Target; tags: readonly string[]; nowMs: number },
): Promise<{ tag: string; digest: Uint8Array }[]> {
  const removed = await deleteNamedTags(tx, target.repositoryId, tags)
  const changes = removed.map(({ tag, digest }) => ({ tag, before: digest, after: undefined }))
  await recordTagChanges(tx, by, { target, changes, nowMs })
  await countTags(tx, target, -removed.length)
  return removed
}

/**
 * Removes every tag of a manifest, with a line of history and an event for each. They may be any number, so what is written
 * of them is made where they are.
 */
export async function deleteTagsOf(
  tx: Transaction,
  by: Requester,
  { target, digest, nowMs }: { target: Target; digest: Uint8Array; nowMs: number },
): Promise<void> {
  const { accountId, organizationId, repositoryId, path } = target
  const detail = JSON.stringify({ repository: path, tag: '' })
  const event = rowOfEvent(by, { kind: 'tag.deleted', atMs: nowMs, accountId, organizationId, repositoryId })
  await insertDeletions(tx, { repositoryId, digest, event: { ...event, detail: detail.slice(0, -'"}'.length) } })
  const count = await deleteTagRows(tx, repositoryId, digest)
  await countTags(tx, target, -count)
}
