import { type RawBuilder, type SelectQueryBuilder, type SqlBool, sql } from 'kysely'
import type { Database, Reader } from '../../../metadata/database.ts'
import { containsText } from '../../../metadata/dialects.ts'
import { flag, type Tables } from '../../../metadata/tables.ts'
import { totalOf } from '../../organizations/queries.ts'

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

export type RepositoryOrder = { by: 'organization' | 'name' | 'updated' | 'tags' | 'public'; direction: 'asc' | 'desc' }

/** A place in the order by organization and name. */
export type Position = { organization: string; name: string }

type Selection = SelectQueryBuilder<
  Tables & { r: Tables['repositories']; o: Tables['organizations'] },
  'r' | 'o',
  object
>

/**
 * Ids of a page. By organization and name an index serves the order and a page costs what it skips and holds; the other
 * orders sort what the scope and the filter leave.
 */
export async function pageOfIds(
  { read, engine }: Pick<Database, 'read' | 'engine'>,
  query: { scope: Scope; filter: RepositoryFilter; order: RepositoryOrder; limit: number; offset: number },
): Promise<number[]> {
  const { direction } = query.order
  const matching = matchingRepositories(read, engine, query)
  const rows = await sortedBy(matching, query.order)
    .orderBy('o.name', direction)
    .orderBy('r.name', direction)
    .select('r.id')
    .limit(query.limit)
    .offset(query.offset)
    .execute()
  return rows.map(row => row.id)
}

/** Ids of a page of the order by organization and name, after a position. */
export async function pageOfIdsAfter(
  { read, engine }: Pick<Database, 'read' | 'engine'>,
  query: { scope: Scope; filter: RepositoryFilter; after: Position; limit: number },
): Promise<number[]> {
  const { after } = query
  const rows = await matchingRepositories(read, engine, query)
    .where('o.name', '>=', after.organization)
    .where(eb =>
      eb.or([
        eb('o.name', '>', after.organization),
        eb.and([eb('o.name', '=', after.organization), eb('r.name', '>', after.name)]),
      ]),
    )
    .orderBy('o.name')
    .orderBy('r.name')
    .select('r.id')
    .limit(query.limit)
    .execute()
  return rows.map(row => row.id)
}

/** Where a repository stands in the order, if it is within the scope. */
export async function findPosition(db: Reader, scope: Scope, id: number): Promise<Position | undefined> {
  return repositoriesOf(db, scope)
    .select(['o.name as organization', 'r.name'])
    .where('r.id', '=', id)
    .executeTakeFirst()
}

/** How many repositories match: exact, and read from totals where nothing but the organization is asked for. */
export async function countMatching(
  { read, engine }: Pick<Database, 'read' | 'engine'>,
  query: { scope: Scope; filter: RepositoryFilter },
): Promise<number> {
  const { organization, shared, ...rest } = query.filter
  const isPlain = Object.values(rest).every(value => value === undefined)
  if (!isPlain || (shared && shared.by !== 'any')) return countRows(read, engine, query)
  return sumOfTotals(read, query.scope, { organization, isShared: shared !== undefined })
}

async function countRows(
  db: Reader,
  engine: Database['engine'],
  query: { scope: Scope; filter: RepositoryFilter },
): Promise<number> {
  const { count } = await matchingRepositories(db, engine, query)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
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

function matchingRepositories(
  db: Reader,
  engine: Database['engine'],
  { scope, filter }: { scope: Scope; filter: RepositoryFilter },
): Selection {
  let matching = repositoriesOf(db, scope)
  const { organization, organizationContains, nameContains, category, isPublic, shared } = filter
  if (organization !== undefined) matching = matching.where('o.name', '=', organization)
  if (organizationContains !== undefined) {
    matching = matching.where(containsText(engine, sql.ref('o.name'), organizationContains))
  }
  if (nameContains !== undefined) matching = matching.where(containsText(engine, sql.ref('r.name'), nameContains))
  if (category !== undefined) matching = matching.where('r.category', '=', category)
  if (isPublic !== undefined) matching = matching.where('r.is_public', '=', flag(isPublic))
  return shared ? matching.where(sharedCondition(shared)) : matching
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

function repositoriesOf(db: Reader, { accountId, grantedTo }: Scope): Selection {
  const all = db
    .selectFrom('organizations as o')
    .innerJoin('repositories as r', 'r.organization_id', 'o.id')
    .where('o.account_id', '=', accountId)
    .where('r.deleted_ms', 'is', null)
  if (grantedTo === undefined) return all
  const throughOrganizations = db
    .selectFrom('organization_grants as g')
    .innerJoin('repositories as v', 'v.organization_id', 'g.organization_id')
    .select('v.id')
    .where('g.user_id', '=', grantedTo)
    .where('v.deleted_ms', 'is', null)
  const single = db.selectFrom('repository_grants').select('repository_id as id').where('user_id', '=', grantedTo)
  return all.where('r.id', 'in', throughOrganizations.union(single))
}

function sortedBy(selection: Selection, { by, direction }: RepositoryOrder): Selection {
  switch (by) {
    case 'organization':
      return selection
    case 'name':
      return selection.orderBy('r.name', direction)
    case 'updated':
      return selection.orderBy('r.updated_ms', direction)
    case 'public':
      return selection.orderBy('r.is_public', direction)
    case 'tags':
      return selection.orderBy(totalOf('repository', 'r.id', 'tags'), direction)
  }
}
