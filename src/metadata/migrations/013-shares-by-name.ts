import type { Migration } from './migration.ts'

/**
 * Shares repeat the two names of their repository, which never change as long as it lives, and shares go with it: what is
 * shared with an account is walked by name, although no other table has such a repository in that order.
 */
export const sharesByName: Migration = {
  version: 13,
  name: 'shares-by-name',
  statements: ({ text }) => [
    `alter table repository_shares add column organization ${text} not null default ''`,
    `alter table repository_shares add column name ${text} not null default ''`,
    `update repository_shares set
       organization = (select o.name from repositories r join organizations o on o.id = r.organization_id
         where r.id = repository_shares.repository_id),
       name = (select r.name from repositories r where r.id = repository_shares.repository_id)`,
    `create index repository_shares_by_name on repository_shares (account_id, organization, name, ends_ms, repository_id)`,
  ],
}
