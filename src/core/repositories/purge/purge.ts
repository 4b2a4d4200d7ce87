import type { BlobStore, UploadState } from '../../../blobstore/blobstore.ts'
import type { Database } from '../../../metadata/database.ts'
import type { Clock } from '../../clock.ts'
import { purgeBatch } from './purge-batch.ts'
import { deleteMarkedRepository, deleteSessions, isMarkedDeleted, sessionsOf } from './queries.ts'

const rowsPerBatch = 500

export type PurgeRun = {
  /** Nothing is begun after this time. */
  untilMs?: number
  signal?: AbortSignal
}

/**
 * Takes away what a deleted repository held, in small transactions, so that deleting a million tags holds nobody up; true
 * when nothing is left of it. It may be cut and run again at any point. Content that no repository links any more is for
 * the sweep to remove.
 */
export async function purgeRepository(
  { db, store, clock }: { db: Database; store: BlobStore; clock: Clock },
  repositoryId: number,
  { untilMs, signal }: PurgeRun = {},
): Promise<boolean> {
  if (!(await isMarkedDeleted(db.read, repositoryId))) return true
  const mayGoOn = () => !signal?.aborted && (untilMs === undefined || clock.nowMs() < untilMs)
  do {
    if (!mayGoOn()) return false
    // What a power cut brings back is purged again.
  } while ((await db.write(tx => purgeBatch(tx, repositoryId, rowsPerBatch), { survives: 'crash' })) > 0)
  // Last, because bytes that can't be removed end this run: they hold up nothing else.
  for (;;) {
    if (!mayGoOn()) return false
    const sessions = await sessionsOf(db.read, repositoryId, rowsPerBatch)
    if (sessions.length === 0) break
    for (const session of sessions) {
      const state = session.store_state as UploadState
      await store.abort({ uploadId: session.id, state, offsetBytes: session.offset_bytes })
    }
    await db.write(tx =>
      deleteSessions(
        tx,
        sessions.map(session => session.id),
      ),
    )
  }
  await db.write(tx => deleteMarkedRepository(tx, repositoryId))
  return true
}
