import type { Migration } from './migration.ts'

/** The orders and kinds of an account's repositories, each index with all that a page is found by. */
export const repositoryOrders: Migration = {
  version: 15,
  name: 'repository-orders',
  statements: () => [
    `drop index repositories_by_account_and_name`,
    `create index repositories_by_account_and_name on repositories (account_id, name, organization_id, id, deleted_ms)
       where deleted_ms is null`,
    `drop index repositories_by_account_and_time`,
    `create index repositories_by_account_and_time on repositories (account_id, updated_ms, id, deleted_ms)
       where deleted_ms is null`,
    `drop index repositories_by_kind`,
    `create index repositories_by_kind
       on repositories (account_id, is_public, category, organization_id, name, id, deleted_ms) where deleted_ms is null`,
  ],
}
