import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../src/metadata/database.ts'

/*
 * An account as large as metadata is sized for, written straight into a migrated and empty database:
 *
 *   large            nine of ten repositories, all of the tags spread evenly
 *   small-0000, …    a thousand organizations that share the rest
 */

export const account = 'a'.repeat(32)
export const administrator = 'b'.repeat(32)
/** Holds grants on `small-0000` and on one repository of `large`. */
export const reader = 'c'.repeat(32)

export type Size = { repositories: number; tagsOfEach: number }

const smallOrganizations = 1_000
const repositoriesPerWrite = 50_000

export async function fill(db: Database, size: Size, say: (text: string) => void): Promise<void> {
  await fillPeople(db)
  for (let from = 0; from < size.repositories; from += repositoriesPerWrite) {
    const below = Math.min(from + repositoriesPerWrite, size.repositories)
    await fillRepositories(db, size, { from, below })
    say(`${below} repositories, ${below * size.tagsOfEach} tags`)
  }
  await fillFigures(db)
}

async function fillPeople(db: Database): Promise<void> {
  await write(db, [
    sql`insert into accounts (id, name, created_ms) values (${account}, 'scale', 1)`,
    ...[administrator, reader].map(
      id => sql`insert into users (id, account_id, name, password_hash, role, is_enabled, epoch, created_ms)
        values (${id}, ${account}, ${id}, '', ${id === administrator ? 'te_admin' : 'SWR OperateAccess'}, 1, 1, 1)`,
    ),
    sql`insert into organizations (account_id, name, creator_id, creator_name, created_ms)
      values (${account}, 'large', '', '', 1)`,
    sql`insert into organizations (account_id, name, creator_id, creator_name, created_ms)
      ${numbers(0, smallOrganizations)}
      select ${account}, 'small-' || substr(cast(10000 + number as text), 2), '', '', 1 from numbers`,
    sql`insert into organization_grants (organization_id, user_id, level, created_ms)
      select id, ${reader}, 1, 1 from organizations where name = 'small-0000'`,
    sql`insert into manifest_bodies (digest, body) values (${digest}, ${digest})`,
  ])
}

const digest = new Uint8Array([1, ...Array(32).fill(7)])

async function fillRepositories(db: Database, size: Size, part: { from: number; below: number }): Promise<void> {
  const { from, below } = part
  const isNew = sql`r.created_ms > ${from} and r.created_ms <= ${below}`
  await write(db, [
    // Names, times and kinds in orders of their own; the number of each stands in its time of making.
    sql`insert into repositories (organization_id, account_id, name, is_public, category, creator_id, creator_name,
        created_ms, updated_ms)
      ${numbers(from, below)}
      select o.id, ${account}, 'team-' || (number % 997) || '/service-' || number,
        case when number % 100 = 0 then 1 else 0 end, case when number % 50 = 0 then 'linux' else 'other' end, '', '',
        number + 1, (number * 7919) % 1000003
      from numbers join organizations o on o.name =
        case when number % 10 > 0 then 'large'
             else 'small-' || substr(cast(10000 + (number / 10) % ${smallOrganizations} as text), 2) end`,
    sql`insert into manifests (repository_id, digest, media_type, size_bytes, content_bytes, pusher_id, pushed_ms)
      select r.id, ${digest}, 'application/vnd.oci.image.manifest.v1+json', 1, 1, '', 1 from repositories r where ${isNew}`,
    sql`insert into tags (repository_id, name, digest, created_ms, updated_ms)
      ${numbers(0, size.tagsOfEach)}
      select r.id, 'v' || number, ${digest}, number, number from repositories r cross join numbers where ${isNew}`,
    sql`insert into totals (owner, metric, value)
      select 'repository:' || r.id, 'tags', cast(${size.tagsOfEach} as bigint) from repositories r where ${isNew}`,
  ])
}

async function fillFigures(db: Database): Promise<void> {
  await write(db, [
    sql`insert into totals (owner, metric, value)
      select 'organization:' || organization_id, 'repositories', count(*) from repositories group by organization_id`,
    sql`insert into totals (owner, metric, value)
      select ${`account:${account}`}, 'repositories', count(*) from repositories`,
    sql`insert into totals (owner, metric, value) select ${`account:${account}`}, 'organizations', count(*) from organizations`,
    sql`insert into totals (owner, metric, value) select ${`account:${account}`}, 'tags', count(*) from tags`,
    sql`insert into repository_grants (repository_id, user_id, level, created_ms)
      select r.id, ${reader}, 1, 1 from repositories r join organizations o on o.id = r.organization_id
      where o.name = 'large' order by r.id limit 1`,
  ])
}

/** `numbers(number)` from one up to, and without, another. */
function numbers(from: number, below: number): RawBuilder<unknown> {
  return sql`with recursive numbers(number) as (
    select cast(${from} as bigint) union all select number + 1 from numbers where number < ${below - 1})`
}

async function write(db: Database, statements: readonly RawBuilder<unknown>[]): Promise<void> {
  await db.write(async tx => {
    for (const statement of statements) await statement.execute(tx)
  })
}
