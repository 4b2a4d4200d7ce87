import type { Migration } from './migration.ts'

/**
 * Policies by which tags go, and what went by them.
 *
 * ```
 * repositories ─┬─ retention_policies   one at most; its rules as JSON
 *               ├─ retention_log        every tag that went, newest last
 *               └─ retention_rules      each rule by which a tag went, once; the log refers to it
 * ```
 */
export const retention: Migration = {
  version: 11,
  name: 'retention',
  statements: ({ id, text, int, bytes }) => [
    `create table retention_policies (
       id ${id}, repository_id ${int} not null unique references repositories on delete cascade,
       rules ${text} not null, revision ${int} not null, creator_id ${text} not null, creator_name ${text} not null,
       created_ms ${int} not null, updated_ms ${int} not null)`,
    `create table retention_rules (
       id ${id}, repository_id ${int} not null, digest ${bytes} not null, rule ${text} not null,
       unique (repository_id, digest))`,
    `create table retention_log (
       id ${id}, repository_id ${int} not null, policy_id ${int} not null,
       rule_id ${int} not null references retention_rules, tag ${text} not null, at_ms ${int} not null)`,
    `create index retention_log_by_repository on retention_log (repository_id, id)`,
  ],
}
