import type { Migration } from './migration.ts'

/**
 * What signatures and logins with an end need.
 *
 * ```
 * users ─── temporary_keys ──► access_keys (parent)     AK → sealed SK, hash of its token; with an end
 * used_signatures                                       where each signature counts once
 * ```
 */
export const signatures: Migration = {
  version: 9,
  name: 'signatures',
  statements: ({ text, int, bytes }) => [
    `create table temporary_keys (
       id ${text} primary key, user_id ${text} not null references users, user_epoch ${int} not null,
       parent_id ${text} references access_keys on delete cascade, parent_epoch ${int},
       made_with ${text}, sealed_secret ${bytes}, token_hash ${bytes},
       created_ms ${int} not null, expires_ms ${int} not null,
       check (sealed_secret is not null or token_hash is not null),
       check ((parent_id is null) = (parent_epoch is null)))`,
    `create index temporary_keys_by_user on temporary_keys (user_id, id)`,
    `create index temporary_keys_by_parent on temporary_keys (parent_id) where parent_id is not null`,
    `create index temporary_keys_by_origin on temporary_keys (made_with) where made_with is not null`,
    `create index temporary_keys_by_expiry on temporary_keys (expires_ms)`,
    `create table used_signatures (
       signature ${bytes} primary key, first_ms ${int} not null, expires_ms ${int} not null)`,
    `create index used_signatures_by_expiry on used_signatures (expires_ms)`,
  ],
}
