import type { BlobLocation } from '../../blobstore/blobstore.ts'
import type { SweepDeps, SweepMoment } from './deps.ts'

/** How much is removed side by side. */
const atOnce = 8

/** Removes content; which of it went. One piece that can't be removed is told and holds up no other. */
export async function removeContent(
  deps: SweepDeps,
  locations: readonly BlobLocation[],
  moment: SweepMoment,
): Promise<Set<string>> {
  const gone = new Set<string>()
  const remove = async (location: BlobLocation) => {
    try {
      await deps.store.remove(location)
      gone.add(location)
    } catch (error) {
      deps.onFailure?.(error, location)
    }
  }
  for (let from = 0; from < locations.length; from += atOnce) {
    await Promise.all(locations.slice(from, from + atOnce).map(remove))
    await deps.atSweepStep?.(moment)
  }
  return gone
}
