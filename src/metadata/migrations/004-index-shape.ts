import type { Migration } from './migration.ts'

/**
 * How deep indexes are nested below a manifest, and how many descriptors they name in all, so that a push can be held
 * against both bounds by its direct children alone (`core/manifests/index-shape.ts`).
 */
export const indexShape: Migration = {
  version: 4,
  name: 'index-shape',
  statements: ({ int }) => [
    `alter table manifests add column index_depth ${int} not null default 0`,
    `alter table manifests add column index_reach ${int} not null default 0`,
    // Each pass measures one level more, from the innermost indexes up.
    ...Array.from({ length: measuredLevels }, () => measureIndexes),
  ],
}

const measuredLevels = 8

const measureIndexes = `
  update manifests set
    index_depth = (select 1 + max(coalesce(c.index_depth, 0)) from manifest_children k
      left join manifests c on c.repository_id = k.repository_id and c.digest = k.child_digest
      where k.repository_id = manifests.repository_id and k.manifest_digest = manifests.digest),
    index_reach = (select cast(sum(1 + coalesce(c.index_reach, 0)) as bigint) from manifest_children k
      left join manifests c on c.repository_id = k.repository_id and c.digest = k.child_digest
      where k.repository_id = manifests.repository_id and k.manifest_digest = manifests.digest)
  where exists (select 1 from manifest_children k
    where k.repository_id = manifests.repository_id and k.manifest_digest = manifests.digest)`
