import { nothingDone, type StepResult, type SweepDeps } from './deps.ts'
import { mayContentGo } from './holds.ts'
import { lookAtContent } from './look-at-content.ts'
import { removeContent } from './remove-content.ts'

/**
 * Removes content that no row names, as a push leaves that was killed before its commit. A row whose content is missing
 * is reported and stays.
 */
export async function sweepStrays(deps: SweepDeps, from: string): Promise<StepResult> {
  const { next, strays, missing, foreign } = await lookAtContent(deps, from)
  if (strays.length === 0) return { ...nothingDone, next, missing, foreign }
  await deps.atSweepStep?.('strays-chosen')
  if (!(await mayContentGo(deps))) return { ...nothingDone, next, missing, foreign, left: strays.length }
  const gone = await removeContent(
    deps,
    strays.map(stray => stray.location),
    'stray-removed',
  )
  return {
    next,
    removed: gone.size,
    removedBytes: strays.reduce((sum, stray) => sum + (gone.has(stray.location) ? stray.sizeBytes : 0), 0),
    left: strays.length - gone.size,
    missing,
    foreign,
  }
}
