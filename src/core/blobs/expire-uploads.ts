import type { UploadState } from '../../blobstore/blobstore.ts'
import type { BlobDeps } from './deps.ts'
import { deleteExpiredSessions, expiredSessions, livingUploads } from './queries.ts'

const batchSize = 200

/**
 * The job that drops uploads nobody came back for, and staged bytes that no session knows (a process that died between
 * the two). Bytes go before the row, so that what is left after a crash is found again. Returns how many went.
 */
export async function expireUploads(
  deps: Pick<BlobDeps, 'db' | 'store' | 'clock' | 'hashes' | 'uploadExpiryMs'>,
): Promise<number> {
  let dropped = 0
  for (;;) {
    const nowMs = deps.clock.nowMs()
    const sessions = await expiredSessions(deps.db.read, nowMs, batchSize)
    for (const session of sessions) {
      const state = session.store_state as UploadState
      await deps.store.abort({ uploadId: session.id, state, offsetBytes: session.offset_bytes })
      deps.hashes.drop(session.id)
    }
    const ids = sessions.map(session => session.id)
    if (ids.length > 0) {
      await deps.db.write(tx => deleteExpiredSessions(tx, ids, nowMs))
    }
    dropped += ids.length
    if (sessions.length < batchSize) break
  }
  return dropped + (await dropUnknown(deps))
}

async function dropUnknown(deps: Pick<BlobDeps, 'db' | 'store' | 'clock' | 'uploadExpiryMs'>): Promise<number> {
  let dropped = 0
  const drop = async (ids: string[]) => {
    const living = await livingUploads(deps.db.read, ids)
    for (const id of ids) {
      if (living.has(id)) continue
      await deps.store.abort({ uploadId: id, state: '' as UploadState, offsetBytes: 0 })
      dropped++
    }
  }
  const batch: string[] = []
  for await (const id of deps.store.listUploads(deps.clock.nowMs() - deps.uploadExpiryMs)) {
    batch.push(id)
    if (batch.length === batchSize) await drop(batch.splice(0))
  }
  await drop(batch)
  return dropped
}
