import type { Migration } from './migration.ts'

/**
 * Repositories that other accounts may pull from. `repositories.is_shared` says that a row of `repository_shares` is
 * there, so that lists of what an account shares walk an index by organization and name, as other lists do; what is shared
 * with an account is walked by the index on that.
 */
export const shares: Migration = {
  version: 5,
  name: 'shares',
  statements: ({ text, int, clustered }) => [
    `create table repository_shares (
       repository_id ${int} not null references repositories on delete cascade,
       account_id ${text} not null references accounts, deadline ${text} not null, ends_ms ${int} not null,
       description ${text} not null, creator_id ${text} not null, creator_name ${text} not null,
       created_ms ${int} not null, updated_ms ${int} not null,
       primary key (repository_id, account_id)) ${clustered}`,
    `create index repository_shares_by_account on repository_shares (account_id, repository_id, ends_ms)`,
    `alter table repositories add column is_shared ${int} not null default 0`,
    `create index repositories_shared on repositories (organization_id, name) where is_shared = 1 and deleted_ms is null`,
  ],
}
