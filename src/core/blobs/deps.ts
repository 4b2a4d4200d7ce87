import type { BlobStore } from '../../blobstore/blobstore.ts'
import type { Database } from '../../metadata/database.ts'
import type { Access } from '../access/access.ts'
import type { Clock } from '../clock.ts'
import type { UploadHashes } from './upload-hashes.ts'

/** What the commands on blobs are given. */
export type BlobDeps = {
  db: Database
  access: Access
  store: BlobStore
  clock: Clock
  hashes: UploadHashes
  /** An upload nobody touches for so long is dropped. */
  uploadExpiryMs: number
  /** A blob may be deleted although a manifest of its repository names it. */
  deletesBlobsInUse: boolean
  /** Told of the steps of publishing that are core's; the crash test kills the process there. */
  atCommitStep?: (step: 'before-commit' | 'after-commit') => void
}
