import type { Migration } from './migration.ts'

/**
 * Manifests may name what the repository lacks: by the organization's own choice (`sparse_manifests`: 1 yes, 0 no, null
 * as the installation says), and a blob that comes later finds by the index which manifests wait for it.
 */
export const sparseManifests: Migration = {
  version: 2,
  name: 'sparse-manifests',
  statements: ({ int }) => [
    `alter table organizations add column sparse_manifests ${int}`,
    `create index manifest_blobs_by_missing on manifest_blobs (repository_id, target_digest)
       where held_digest is null`,
  ],
}
