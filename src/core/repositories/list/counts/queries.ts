import { sql } from 'kysely'
import type { Database, Reader } from '../../../../metadata/database.ts'
import { totalOf } from '../../../organizations/queries.ts'
import {
  type Matching,
  mostSorted,
  organizationIs,
  repositoryIs,
  type Scope,
  type Store,
  waysOf,
} from '../matching/queries.ts'

/** How many repositories match: exact, and read from totals where nothing but the organization is asked for. */
export async function countMatching({ read, engine }: Store, query: Matching): Promise<number> {
  const { organization, shared, ...rest } = query.filter
  const isPlain = Object.values(rest).every(value => value === undefined)
  if (!isPlain || (shared && shared.by !== 'any')) return countRows(read, engine, query)
  return sumOfTotals(read, query.scope, { organization, isShared: shared !== undefined })
}

async function countRows(db: Reader, engine: Database['engine'], { scope, filter }: Matching): Promise<number> {
  const isOfAnyOrganization =
    filter.organization === undefined && filter.organizationContains === undefined && filter.nameContains === undefined
  // An index on what is asked has all that this needs.
  const ways =
    scope.grantedTo === undefined && isOfAnyOrganization
      ? [{ from: sql`repositories r`, where: sql`r.account_id = ${scope.accountId}` }]
      : waysOf(engine, { scope, filter, areFew: true })
  const counts = ways.map(
    way => sql`select count(*) as matches from ${way.from} where ${way.where} and r.deleted_ms is null and
      ${repositoryIs(engine, filter)} and ${organizationIs(engine, filter)}`,
  )
  const { rows } = await sql<{ matches: number }>`
    select cast(sum(matches) as bigint) as matches from (${sql.join(counts, sql` union all `)}) as counts`.execute(db)
  return rows[0]?.matches ?? 0
}

/**
 * Whether no more match than can be found by their kind or name and then sorted; counts no further. True where nothing of
 * that is asked for.
 */
export async function areFewMatching({ read, engine }: Store, { scope, filter }: Matching): Promise<boolean> {
  const { nameContains, category, isPublic } = filter
  if (nameContains === undefined && category === undefined && isPublic === undefined) return true
  const found = waysOf(engine, { scope, filter, areFew: true }).map(
    way => sql`select 1 from ${way.from} where ${way.where} and r.deleted_ms is null and
      ${repositoryIs(engine, filter)} and ${organizationIs(engine, filter)}`,
  )
  const { rows } = await sql<{ matches: number }>`select count(*) as matches from (
    ${sql.join(found, sql` union all `)} limit ${mostSorted + 1}) as found`.execute(read)
  return (rows[0]?.matches ?? 0) <= mostSorted
}

/** The sum over organizations, and the repositories granted one by one in other organizations. */
async function sumOfTotals(
  db: Reader,
  { accountId, grantedTo }: Scope,
  { organization, isShared }: { organization: string | undefined; isShared: boolean },
) {
  const metric = isShared ? 'shared' : 'repositories'
  if (grantedTo === undefined && organization === undefined) {
    const { rows } = await sql<{ count: number }>`
      select ${totalOf('account', 'a.id', metric)} as count from accounts a where a.id = ${accountId}`.execute(db)
    return rows[0]?.count ?? 0
  }
  const isAsked = organization === undefined ? sql`1 = 1` : sql`o.name = ${organization}`
  const grants =
    grantedTo === undefined
      ? sql``
      : sql`join organization_grants g on g.organization_id = o.id and g.user_id = ${grantedTo}`
  const whole = sql`select coalesce(sum(${totalOf('organization', 'o.id', metric)}), 0)
    from organizations o ${grants} where o.account_id = ${accountId} and ${isAsked}`
  const single = sql`select count(*) from repository_grants x
    join repositories r on r.id = x.repository_id and r.deleted_ms is null
    join organizations o on o.id = r.organization_id and o.account_id = ${accountId}
    where x.user_id = ${grantedTo ?? null} and ${isAsked} ${isShared ? sql`and r.is_shared = 1` : sql``}
    and not exists (select 1 from organization_grants g where g.organization_id = o.id and g.user_id = x.user_id)`
  const { rows } = await sql<{ count: number }>`select cast((${whole}) + (${single}) as bigint) as count`.execute(db)
  return rows[0]?.count ?? 0
}
