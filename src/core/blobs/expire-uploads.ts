import type { StagedUpload, UploadState } from '../../blobstore/blobstore.ts'
import type { Row } from '../../metadata/tables.ts'
import type { BlobDeps } from './deps.ts'
import { livingUploads } from './queries.ts'
import { deleteExpiredSessions, expiredSessions } from './sessions/queries.ts'

const batchSize = 200

type ExpireDeps = Pick<BlobDeps, 'db' | 'store' | 'clock' | 'hashes' | 'uploadExpiryMs'> & {
  /** Told of an upload whose bytes could not be removed; it is tried again the next time, and holds up no other. */
  onFailure?: (error: unknown, uploadId: string) => void
}

/**
 * The job that drops uploads nobody came back for, and staged bytes that no session knows (a process that died between
 * the two). Bytes go before the row, so that what is left after a crash is found again. Returns how many went.
 */
export async function expireUploads(deps: ExpireDeps): Promise<number> {
  let dropped = 0
  let after: Row<'upload_sessions'> | undefined
  for (;;) {
    const nowMs = deps.clock.nowMs()
    const sessions = await expiredSessions(deps.db.read, { after, limit: batchSize, nowMs })
    const ids: string[] = []
    for (const { id, store_state, offset_bytes } of sessions) {
      if (!(await abort(deps, { uploadId: id, state: store_state as UploadState, offsetBytes: offset_bytes }))) continue
      deps.hashes.drop(id)
      ids.push(id)
    }
    if (ids.length > 0) {
      await deps.db.write(tx => deleteExpiredSessions(tx, ids, nowMs))
    }
    dropped += ids.length
    after = sessions.at(-1)
    if (sessions.length < batchSize) break
  }
  return dropped + (await dropUnknown(deps))
}

async function dropUnknown(deps: ExpireDeps): Promise<number> {
  let dropped = 0
  const drop = async (ids: string[]) => {
    const living = await livingUploads(deps.db.read, ids)
    for (const id of ids) {
      if (living.has(id)) continue
      if (await abort(deps, { uploadId: id, state: '' as UploadState, offsetBytes: 0 })) dropped++
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

async function abort({ store, onFailure }: ExpireDeps, upload: StagedUpload): Promise<boolean> {
  try {
    await store.abort(upload)
    return true
  } catch (error) {
    onFailure?.(error, upload.uploadId)
    return false
  }
}
