import { blobReads } from './blobs.ts'
import type { Group } from './case.ts'
import { manifestReads } from './manifests.ts'
import { manyRepositories, manyTags, veryMany } from './many.ts'
import { pushes } from './pushes.ts'

/** In the order in which they are measured. `large`: tags and repositories of the largest registry. */
export function allGroups(large: number): readonly Group[] {
  return [manifestReads, blobReads, ...pushes, manyTags, manyRepositories, veryMany(large)]
}
