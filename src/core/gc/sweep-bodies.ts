import { nothingDone, type StepResult, type SweepDeps } from './deps.ts'
import { deleteUnheldBodies, pageOfBodies } from './queries.ts'

const bodiesPerStep = 500

/**
 * Removes the bytes of manifests that no repository holds. A push of the same manifest meanwhile refers to them by a
 * foreign key: it stops the removal, or finds them gone and brings its own.
 */
export async function sweepBodies(deps: SweepDeps, from: string): Promise<StepResult> {
  const page = await pageOfBodies(deps.db.read, { after: Uint8Array.fromHex(from), limit: bodiesPerStep })
  const next = page.length === bodiesPerStep ? page.at(-1)?.digest.toHex() : undefined
  const unheld = page.filter(body => !body.isHeld).map(body => body.digest)
  if (unheld.length === 0) return { ...nothingDone, next }
  await deps.atSweepStep?.('bodies-chosen')
  const deleted = await deps.db.write(tx => deleteUnheldBodies(tx, unheld))
  await deps.atSweepStep?.('bodies-removed')
  const removedBytes = deleted.reduce((sum, body) => sum + body.size_bytes, 0)
  return { ...nothingDone, next, removed: deleted.length, removedBytes }
}
