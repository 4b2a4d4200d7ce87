import type { BlobStore } from '../../blobstore/blobstore.ts'
import type { Database } from '../../metadata/database.ts'
import type { Clock } from '../clock.ts'

/** What sweeping is given. */
export type SweepDeps = {
  db: Database
  store: BlobStore
  clock: Clock
  /** What nobody needs is left alone for so long after a push last relied on it. */
  graceMs: number
  /** Asked before each step and again before bytes go: whether this installation lets anything be removed now. */
  mayDelete: () => Promise<boolean>
  /** Told of content that could not be removed; it is tried again by the next sweep. */
  onFailure?: (error: unknown, location: string) => void
  /** Called between the transactions of a step, which waits for it: where tests do other things, or end the process. */
  atSweepStep?: (step: SweepMoment) => void | Promise<void>
}

export type SweepMoment =
  | 'links-chosen'
  | 'links-removed'
  | 'bodies-chosen'
  | 'bodies-removed'
  | 'blobs-chosen'
  | 'condemned'
  | 'bytes-removed'
  | 'blobs-removed'
  | 'content-listed'
  | 'strays-chosen'
  | 'stray-removed'

/** What one step did, and where the next one goes on; `next` is undefined at the end of its kind. */
export type StepResult = {
  next: string | undefined
  removed: number
  removedBytes: number
  /** Content that was to go and is left for the next sweep: something holds it, or removing it failed. */
  left: number
  /** Blobs whose row is there and whose bytes are not. */
  missing: readonly { digest: Uint8Array; location: string }[]
  /** Content that is older than this installation, and therefore none of its own. */
  foreign: number
}

export const nothingDone = { removed: 0, removedBytes: 0, left: 0, missing: [], foreign: 0 } as const
