import type { BlobStore, UploadState } from '../../../blobstore/blobstore.ts'
import type { Database } from '../../../metadata/database.ts'
import { deleteMarkedRepository, deleteSessions, isMarkedDeleted, purgeBatch, sessionsOf } from './queries.ts'

const rowsPerBatch = 500

/**
 * The job that takes away what a deleted repository held, in small transactions, so that deleting a million tags holds
 * nobody up. It may be cut and run again at any point. Content that no repository links any more is for the sweep to
 * remove.
 */
export async function purgeRepository(
  { db, store }: { db: Database; store: BlobStore },
  repositoryId: number,
): Promise<void> {
  if (!(await isMarkedDeleted(db.read, repositoryId))) return
  for (;;) {
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
  while ((await db.write(tx => purgeBatch(tx, repositoryId, rowsPerBatch))) > 0);
  await db.write(tx => deleteMarkedRepository(tx, repositoryId))
}
