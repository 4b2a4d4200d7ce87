import { sql } from 'kysely'
import type { Database, Reader } from '../../../metadata/database.ts'
import { firstOfEach } from '../../../metadata/dialects.ts'
import { totalOf } from '../../organizations/queries.ts'
import {
  type Asked,
  organizationIs,
  repositoryIs,
  type Scope,
  type Sql,
  type Store,
  waysOf,
  wholeAccount,
  yes,
} from './matching/queries.ts'

/** `public` is made of two pages, one of each visibility. */
export type RepositoryOrder = { by: SortedOrder['by'] | 'public'; direction: 'asc' | 'desc' }

export type SortedOrder = { by: 'organization' | 'name' | 'updated' | 'tags'; direction: 'asc' | 'desc' }

/** A place in the order by organization and name. */
export type Position = { organization: string; name: string }

/**
 * Ids of a page. By organization and name, and in a whole account by name alone or by time, an index serves the order and a
 * page costs what it skips and holds; the other orders sort what the scope and the filter leave.
 */
export async function pageOfIds(
  { read, engine }: Store,
  query: Asked & { order: SortedOrder; limit: number; offset: number },
): Promise<number[]> {
  const { order, limit, offset } = query
  const page = { direction: order.direction, limit, offset }
  // Within one organization both are one order.
  const isByOrganization =
    order.by === 'organization' || (order.by === 'name' && query.filter.organization !== undefined)
  if (isByOrganization) return merged(read, walks(engine, query, page), page)
  return merged(read, sorts(engine, query), page)
}

/** Ids of a page of the order by organization and name, after a position. */
export async function pageOfIdsAfter(
  { read, engine }: Store,
  query: Asked & { after: Position; limit: number },
): Promise<number[]> {
  const page = { direction: 'asc', limit: query.limit, offset: 0 } as const
  return merged(read, walks(engine, query, page, query.after), page)
}

/** Where a repository stands in the order, if it is within the scope. */
export async function findPosition({ read, engine }: Store, scope: Scope, id: number): Promise<Position | undefined> {
  const shown = waysOf(engine, { scope, filter: {}, areFew: false }).map(
    way => sql`select o.name as organization, r.name as name from ${way.from}
      where ${way.where} and r.deleted_ms is null and r.id = ${id}`,
  )
  const { rows } = await sql<Position>`${sql.join(shown, sql` union all `)}`.execute(read)
  return rows[0]
}

type Page = { direction: RepositoryOrder['direction']; limit: number; offset: number }

/** Rows of one way to see repositories: `id`, `key`, `organization`, `name`, in that order from `key` on. */
type Branch = { rows: Sql; order: Sql }

/**
 * A page of the branches together, each of which ends with it, so that it costs what it skips and holds. What one branch
 * alone has needs no second sorting.
 */
async function merged(db: Reader, branches: readonly Branch[], page: Page): Promise<number[]> {
  const { limit, offset } = page
  const direction = sql.raw(page.direction)
  const [only] = branches
  const rows =
    branches.length === 1 && only
      ? sql<{ id: number }>`${only.rows} order by ${only.order} limit ${limit} offset ${offset}`
      : sql<{ id: number }>`select id from (${sql.join(
          branches.map(
            ({ rows, order }) => sql`select * from (${rows} order by ${order} limit ${limit + offset}) as branch`,
          ),
          sql` union all `,
        )}) as branches
        order by sort_key ${direction}, organization ${direction}, name ${direction} limit ${limit} offset ${offset}`
  return (await rows.execute(db)).rows.map(row => row.id)
}

/** By organization and name: organizations in their order, and of each its repositories in theirs. */
function walks(engine: Database['engine'], asked: Asked, page: Page, after?: Position): Branch[] {
  const { filter } = asked
  const direction = sql.raw(page.direction)
  const isBehind = after
    ? sql`o.name >= ${after.organization} and
        r.name > case when o.name = ${after.organization} then ${after.name} else '' end`
    : yes
  // A deleted one has no organization, so the index by name has all that is asked; indexes of some kinds want to hear it.
  const isLive = filter.isPublic || filter.shared ? sql`r.deleted_ms is null` : yes
  const where = sql`${isLive} and ${repositoryIs(engine, filter)} and ${isBehind}`
  return waysOf(engine, asked).map(way => {
    const from = way.organizations
      ? sql`${way.organizations} ${firstOfEach(engine, {
          table: 'repositories',
          alias: 'r',
          where: sql`r.organization_id = o.id and ${where}`,
          orderBy: sql`r.name ${direction}`,
          limit: sql`${page.limit + page.offset}`,
        })}`
      : way.from
    const isFirst = after ? sql`o.name >= ${after.organization}` : yes
    return {
      rows: sql`select r.id, 0 as sort_key, o.name as organization, r.name as name from ${from}
        where ${way.where} and ${organizationIs(engine, filter)} and ${isFirst} and ${way.organizations ? yes : where}`,
      // A name belongs to one organization; its id says so to an index that holds both. What was found otherwise is few: no
      // engine shall look for it along the index of names instead.
      order: way.organizations
        ? sql`o.name ${direction}, o.id ${direction}, r.name ${direction}`
        : sql`o.name || '' ${direction}, r.name ${direction}`,
    }
  })
}

function sorts(engine: Database['engine'], { order, ...asked }: Asked & { order: SortedOrder }): Branch[] {
  const { scope, filter, areFew } = asked
  const direction = sql.raw(order.direction)
  const where = sql`r.deleted_ms is null and ${repositoryIs(engine, filter)} and ${organizationIs(engine, filter)}`
  const isByName = areFew && filter.nameContains !== undefined
  const isWhole = scope.grantedTo === undefined && filter.organization === undefined && !isByName
  if (isWhole && order.by === 'updated' && filter.organizationContains === undefined) {
    // Of those of one moment any may be first, so the index has all that this needs.
    return [
      {
        rows: sql`select r.id from repositories r where r.account_id = ${scope.accountId} and ${where}`,
        order: sql`r.updated_ms ${direction}, r.id ${direction}`,
      },
    ]
  }
  const ways = isWhole ? [wholeAccount(scope)] : waysOf(engine, asked)
  return ways.map(way => ({
    rows: sql`select r.id, ${keyOf[order.by]} as sort_key, o.name as organization, r.name as name from ${way.from}
      where ${way.where} and ${where}`,
    order: sql`${keyOf[order.by]} ${direction}, o.name ${direction}${order.by === 'name' ? sql`` : sql`, r.name ${direction}`}`,
  }))
}

const keyOf: Record<SortedOrder['by'], Sql> = {
  organization: sql`o.name`,
  name: sql`r.name`,
  updated: sql`r.updated_ms`,
  tags: totalOf('repository', 'r.id', 'tags'),
}
