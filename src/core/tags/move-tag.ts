import type { Database, Transaction } from '../../metadata/database.ts'
import type { Requester } from '../caller.ts'
import { actorOf, recordEvents } from '../events.ts'
import type { Target } from '../repositories/push-target.ts'
import { addToTotal } from '../totals.ts'
import { holdTag, insertTagHistory, upsertTag } from './queries.ts'

/** Points tags at a manifest of the repository, each with its line of history and its event. */
export async function moveTags(
  tx: Transaction,
  by: Requester,
  move: { engine: Database['engine']; target: Target; tags: readonly string[]; digest: Uint8Array; nowMs: number },
): Promise<void> {
  const { target, digest, nowMs } = move
  let added = 0
  for (const tag of move.tags) {
    const before = await holdTag(tx, move.engine, { repositoryId: target.repositoryId, tag })
    await upsertTag(tx, { repositoryId: target.repositoryId, name: tag, digest, nowMs })
    if (before === undefined) added++
    await recordTagChange(tx, by, { target, tag, before, after: digest, nowMs })
  }
  await addToTotal(tx, `repository:${target.repositoryId}`, 'tags', added)
}

/** The history row and the event of one tag that was moved or removed. */
export async function recordTagChange(
  tx: Transaction,
  by: Requester,
  change: {
    target: Target
    tag: string
    before: Uint8Array | undefined
    after: Uint8Array | undefined
    nowMs: number
  },
): Promise<void> {
  const { target, tag, before, after, nowMs } = change
  const actor = actorOf(by)
  await insertTagHistory(tx, {
    repository_id: target.repositoryId,
    tag,
    digest_before: before ?? null,
    digest_after: after ?? null,
    actor_id: actor.id,
    actor_name: actor.name,
    at_ms: nowMs,
  })
  await recordEvents(tx, by, [
    {
      kind: after ? 'tag.moved' : 'tag.deleted',
      atMs: nowMs,
      accountId: target.accountId,
      organizationId: target.organizationId,
      repositoryId: target.repositoryId,
      ...(before && { digestBefore: before }),
      ...(after && { digestAfter: after }),
      detail: { repository: target.path, tag },
    },
  ])
}
