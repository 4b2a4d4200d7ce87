import type { Migration } from './migration.ts'

/**
 * What accounts are told about themselves, counted as it changes and never by looking at all of it.
 *
 * ```
 * repositories.account_id   whose it is, also once it is deleted and its organization is gone
 * account_blobs             how many repositories of an account link a blob: its bytes count once while any does
 * account_days              bytes of an account and day, in shards as pulls are: served to pulls, or stored
 * agencies                  accounts that let the registry act for them, and who said so
 * totals                    also an account's bytes and tags, and a repository's pulls over all days
 * ```
 */
export const accountFigures: Migration = {
  version: 6,
  name: 'account-figures',
  statements: ({ text, int, bytes, clustered }) => [
    `alter table repositories add column account_id ${text} not null default ''`,
    // A deleted one has lost its organization; the job that purges it says whose it was, in the first place of its payload.
    `update repositories set account_id = coalesce(
       (select o.account_id from organizations o where o.id = repositories.organization_id),
       (select substr(j.payload, 15, 32) from jobs j
        where j.kind = 'repository.purge' and j.subject = cast(repositories.id as text)), '')`,
    `create index repositories_deleted_by_account on repositories (account_id, id) where deleted_ms is not null`,

    `create table account_blobs (
       account_id ${text} not null, digest ${bytes} not null, links ${int} not null,
       primary key (account_id, digest)) ${clustered}`,
    `insert into account_blobs (account_id, digest, links)
       select r.account_id, l.digest, count(*) from blob_links l join repositories r on r.id = l.repository_id
       group by r.account_id, l.digest`,
    `insert into totals (owner, metric, value)
       select 'account:' || a.account_id, 'bytes', cast(sum(b.size_bytes) as bigint)
       from account_blobs a join blobs b on b.digest = a.digest group by a.account_id`,
    `insert into totals (owner, metric, value)
       select 'account:' || r.account_id, 'tags', count(*) from tags t join repositories r on r.id = t.repository_id
       group by r.account_id`,

    `insert into totals (owner, metric, value)
       select 'repository:' || repository_id, 'pulls', cast(sum(pulls) as bigint) from pulls group by repository_id`,

    `create table account_days (
       account_id ${text} not null, kind ${text} not null, day ${int} not null,
       shard ${int} not null, bytes ${int} not null, primary key (account_id, kind, day, shard)) ${clustered}`,
    `create table agencies (
       account_id ${text} primary key references accounts, authorized_by ${text} not null,
       authorized_ms ${int} not null)`,
  ],
}
