import type { Migration } from './migration.ts'

/**
 * Virtual devices that make codes for logins, one a user; it counts from when it is bound. `last_step`: each code logs in
 * once.
 */
export const secondFactors: Migration = {
  version: 14,
  name: 'second-factors',
  statements: ({ text, int, bytes }) => [
    `create table second_factors (
       user_id ${text} primary key references users on delete cascade, name ${text} not null,
       sealed_secret ${bytes} not null, is_bound ${int} not null, last_step ${int} not null, created_ms ${int} not null)`,
  ],
}
