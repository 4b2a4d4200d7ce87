import type { Migration } from './migration.ts'

/**
 * Logins that are refused for a while after repeated failures, so that every replica refuses them. `login_hash` is the
 * SHA-256 of name and source address: what was typed as a name may be a password.
 */
export const refusedLogins: Migration = {
  version: 8,
  name: 'refused-logins',
  statements: ({ int, bytes }) => [
    `create table login_refusals (login_hash ${bytes} primary key, until_ms ${int} not null)`,
    `create index login_refusals_by_end on login_refusals (until_ms)`,
  ],
}
