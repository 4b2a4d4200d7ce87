import type { Migration } from './migration.ts'

/**
 * What IAM keeps of users and keys.
 *
 * ```
 * users.access_mode      'default' | 'programmatic' (no password logs in) | 'console' (no access key does)
 * user_profiles          JSON that clients keep with a user and read back; nothing here goes by it
 * keystone_tokens        by which methods each was asked for, with commas between them
 * ```
 */
export const usersByIam: Migration = {
  version: 12,
  name: 'users-by-iam',
  statements: ({ text }) => [
    `alter table users add column access_mode ${text} not null default 'default'`,
    `create table user_profiles (
       user_id ${text} primary key references users on delete cascade, profile ${text} not null)`,
    `alter table access_keys add column description ${text} not null default ''`,
    `alter table keystone_tokens add column methods ${text} not null default 'password'`,
    `create index keystone_tokens_by_user on keystone_tokens (user_id)`,
  ],
}
