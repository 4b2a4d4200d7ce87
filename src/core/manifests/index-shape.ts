import type { Transaction } from '../../metadata/database.ts'
import { digestToBytes } from '../../protocol/oci/digest.ts'
import { maxIndexDepth, maxIndexReach, type ParsedManifest } from '../../protocol/oci/manifest.ts'
import { DomainError } from '../errors.ts'
import { findParents, findShapes, measureAgain } from './queries.ts'

/**
 * How deep indexes are nested in a manifest (0 an image, 1 an index of images), and how many descriptors a client meets
 * that follows all of them, each as often as it is named: a few indexes that share their children can name billions.
 */
export type IndexShape = { depth: number; reach: number }

/** By its children, which know theirs. What is missing counts as an image. Throws `manifest_invalid`. */
export async function measureShape(
  tx: Transaction,
  repositoryId: number,
  { kind, children }: ParsedManifest,
): Promise<IndexShape> {
  if (kind !== 'index') return { depth: 0, reach: 0 }
  const digests = children.map(child => digestToBytes(child.digest))
  const shapes = await findShapes(tx, repositoryId, digests)
  const shape = { depth: 1, reach: 0 }
  for (const digest of digests) {
    const { depth, reach } = shapes.get(digest.toHex()) ?? { depth: 0, reach: 0 }
    shape.depth = Math.max(shape.depth, depth + 1)
    shape.reach += reach + 1
  }
  requireBounds(shape)
  return shape
}

/**
 * Measures the indexes again that named an index before it came, and those that name them. Throws `manifest_invalid`
 * where one gets too large by it, and where more than `mostParents` waited.
 */
export async function measureParents(tx: Transaction, repositoryId: number, digest: Uint8Array): Promise<void> {
  let changed: readonly Uint8Array[] = [digest]
  // Ends at the latest with a depth that is refused: no index can contain itself.
  while (changed.length > 0) {
    const parents = await findParents(tx, repositoryId, changed, mostParents + 1)
    if (parents.length > mostParents) {
      const message = `more than ${mostParents} indexes of the repository name this one already, and would have to be measured again: delete some of them, or push it to another repository`
      throw new DomainError('manifest_invalid', message)
    }
    const shapes = await measureAgain(tx, repositoryId, parents)
    for (const shape of shapes) requireBounds(shape)
    changed = parents
  }
}

/** Each is read with its children, so this bounds the time of one push. */
const mostParents = 100

function requireBounds({ depth, reach }: IndexShape): void {
  if (depth > maxIndexDepth) {
    throw new DomainError('manifest_invalid', `indexes are nested ${depth} deep: at most ${maxIndexDepth} are accepted`)
  }
  if (reach > maxIndexReach) {
    const message = `the index names ${reach} manifests with those that its indexes name: at most ${maxIndexReach} are accepted`
    throw new DomainError('manifest_invalid', message)
  }
}
