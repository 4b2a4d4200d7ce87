import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Database } from '../../../../metadata/database.ts'
import { containsText, repositoriesNamed } from '../../../../metadata/dialects.ts'
import { flag } from '../../../../metadata/tables.ts'

/*
 * Which repositories a list is about, as parts that its queries are made of.
 */

/** Whose repositories: all of the account, or with a user those that organization and repository grants show. */
export type Scope = { accountId: string; grantedTo: string | undefined }

export type RepositoryFilter = {
  /** The organization's whole name. */
  organization?: string
  organizationContains?: string
  nameContains?: string
  category?: string
  isPublic?: boolean
  shared?: SharedFilter
}

/** Shared with other accounts: by whatever share, by one that counts at that time, or by none that does. */
export type SharedFilter = { by: 'any' | 'counting' | 'ended'; nowMs: number }

/** What is asked for. */
export type Matching = { scope: Scope; filter: RepositoryFilter }

/** `areFew`: no more match than can be found by their kind or name and then sorted (`mostSorted`). */
export type Asked = Matching & { areFew: boolean }

/** As many as are found and sorted in a tenth of a second. */
export const mostSorted = 20_000

export type Store = Pick<Database, 'read' | 'engine'>

export type Sql = RawBuilder<unknown>

/**
 * A way to see repositories `r` of organizations `o`, disjoint from the others. `organizations` is it without the
 * repositories, where it shows all of an organization.
 */
export type Way = { from: Sql; where: Sql; organizations?: Sql }

export function waysOf(engine: Database['engine'], { scope, filter, areFew }: Asked): Way[] {
  const { accountId, grantedTo } = scope
  const { nameContains, category, isPublic, organization } = filter
  const named = areFew && nameContains !== undefined ? repositoriesNamed(engine, nameContains) : undefined
  if (named) return [foundByName(scope, named)]
  const isOfAKind = category !== undefined || isPublic !== undefined
  if (areFew && isOfAKind && grantedTo === undefined && organization === undefined) return [wholeAccount(scope)]
  const isOwn = sql`o.account_id = ${accountId}`
  const whole = (organizations: Sql, where: Sql): Way => ({
    from: sql`${organizations} join repositories r on r.organization_id = o.id`,
    where,
    organizations,
  })
  if (grantedTo === undefined) return [whole(sql`organizations o`, isOwn)]
  const granted = sql`organization_grants g join organizations o on o.id = g.organization_id`
  return [
    whole(granted, sql`${isOwn} and g.user_id = ${grantedTo}`),
    {
      // From the grants on, which are few: SQLite keeps the order of cross joins.
      from: sql`repository_grants x cross join repositories r cross join organizations o`,
      where: sql`${isOwn} and x.user_id = ${grantedTo} and r.id = x.repository_id and o.id = r.organization_id
        and not exists (select 1 from organization_grants g where g.organization_id = o.id and g.user_id = x.user_id)`,
    },
  ]
}

/** From the few that have the text in their names. */
function foundByName({ accountId, grantedTo }: Scope, named: NonNullable<ReturnType<typeof repositoriesNamed>>): Way {
  const isGranted = sql`(exists (select 1 from organization_grants g where g.organization_id = o.id and g.user_id = ${grantedTo})
    or exists (select 1 from repository_grants x where x.repository_id = r.id and x.user_id = ${grantedTo}))`
  return {
    from: sql`${named.from} cross join organizations o`,
    where: sql`${named.where} and r.account_id = ${accountId} and o.id = r.organization_id
      and ${grantedTo === undefined ? yes : isGranted}`,
  }
}

/** From the repositories on, in the order of an index of theirs. */
export function wholeAccount({ accountId }: Scope): Way {
  return {
    from: sql`repositories r cross join organizations o`,
    where: sql`r.account_id = ${accountId} and o.id = r.organization_id`,
  }
}

export const yes = sql`1 = 1`

export function organizationIs(
  engine: Database['engine'],
  { organization, organizationContains }: RepositoryFilter,
): Sql {
  return allOf([
    organization !== undefined && sql`o.name = ${organization}`,
    organizationContains !== undefined && sql`${containsText(engine, sql.ref('o.name'), organizationContains)}`,
  ])
}

export function repositoryIs(
  engine: Database['engine'],
  { nameContains, category, isPublic, shared }: RepositoryFilter,
): Sql {
  return allOf([
    nameContains !== undefined && sql`${containsText(engine, sql.ref('r.name'), nameContains)}`,
    // Both values, so that the index that begins with them serves a category alone, too.
    isPublic === undefined
      ? category !== undefined && sql`r.is_public in (0, 1)`
      : sql`r.is_public = ${flag(isPublic)}`,
    category !== undefined && sql`r.category = ${category}`,
    shared !== undefined && sharedCondition(shared),
  ])
}

function allOf(conditions: readonly (Sql | false)[]): Sql {
  const asked = conditions.filter(condition => condition !== false)
  return asked.length === 0 ? yes : sql.join(asked, sql` and `)
}

/** The flag as a literal, which an index of those that have it needs. */
function sharedCondition({ by, nowMs }: SharedFilter): RawBuilder<SqlBool> {
  const counting = sql`exists (select 1 from repository_shares s where s.repository_id = r.id and s.ends_ms > ${nowMs})`
  switch (by) {
    case 'any':
      return sql<SqlBool>`r.is_shared = 1`
    case 'counting':
      return sql<SqlBool>`r.is_shared = 1 and ${counting}`
    case 'ended':
      return sql<SqlBool>`r.is_shared = 1 and not ${counting}`
  }
}

/** False where PostgreSQL could not be given the index by which parts of names are found. */
export async function hasTrigrams({ read, engine }: Store): Promise<boolean> {
  if (engine === 'sqlite') return true
  const { rows } = await sql`select 1 from pg_indexes where indexname = 'repositories_by_trigrams'`.execute(read)
  return rows.length > 0
}
