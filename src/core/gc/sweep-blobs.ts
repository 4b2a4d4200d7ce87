import type { BlobLocation } from '../../blobstore/blobstore.ts'
import { nothingDone, type StepResult, type SweepDeps } from './deps.ts'
import { mayContentGo } from './holds.ts'
import { type CondemnedBlob, condemnUnlinked, deleteCondemned, pageOfBlobs } from './queries.ts'
import { removeContent } from './remove-content.ts'

const blobsPerStep = 500

/**
 * Removes blobs that no repository links: the row is condemned, then the bytes go, then the row (invariant 1). Whoever
 * pushes a condemned blob brings it to another place, and its row then names that one; so what goes here is never what
 * somebody relies on. A process that dies in between leaves condemned rows, which the next sweep takes up.
 */
export async function sweepBlobs(deps: SweepDeps, from: string): Promise<StepResult> {
  const page = await pageOfBlobs(deps.db.read, { after: Uint8Array.fromHex(from), limit: blobsPerStep })
  const next = page.length === blobsPerStep ? page.at(-1)?.digest.toHex() : undefined
  const unlinked = page.filter(blob => !blob.isLinked && !blob.isCondemned).map(blob => blob.digest)
  const condemned: CondemnedBlob[] = page.filter(blob => blob.isCondemned)
  if (unlinked.length > 0) {
    await deps.atSweepStep?.('blobs-chosen')
    condemned.push(...(await deps.db.write(tx => condemnUnlinked(tx, deps.db.engine, unlinked))))
    await deps.atSweepStep?.('condemned')
  }
  if (condemned.length === 0) return { ...nothingDone, next }
  // Asked after they were condemned: a hold that is set later is on what was whole then.
  if (!(await mayContentGo(deps))) return { ...nothingDone, next, left: condemned.length }
  const gone = await removeContent(
    deps,
    condemned.map(blob => blob.location as BlobLocation),
    'bytes-removed',
  )
  await deps.db.write(tx => deleteCondemned(tx, [...gone]))
  await deps.atSweepStep?.('blobs-removed')
  return {
    ...nothingDone,
    next,
    removed: gone.size,
    removedBytes: condemned.reduce((sum, blob) => sum + (gone.has(blob.location) ? blob.size_bytes : 0), 0),
    left: condemned.length - gone.size,
  }
}
