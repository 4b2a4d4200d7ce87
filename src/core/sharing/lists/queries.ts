import { sql } from 'kysely'
import type { Database, Reader } from '../../../metadata/database.ts'
import { containsText } from '../../../metadata/dialects.ts'
import { totalOf } from '../../organizations/queries.ts'
import { readTotals } from '../../totals.ts'
import type { SharedFilter } from './shared.ts'

export type ReceivedOrder = {
  by: 'organization' | 'name' | 'updated' | 'tags' | 'owner'
  direction: 'asc' | 'desc'
}

type Received = { accountId: string; filter: SharedFilter; nowMs: number }

/** Ids of a page. By organization and name an index serves the order; the other orders sort what the filter leaves. */
export async function pageOfReceived(
  { read, engine }: Pick<Database, 'read' | 'engine'>,
  query: Received & { order: ReceivedOrder; limit: number; offset: number },
): Promise<number[]> {
  const { direction } = query.order
  const rows = await sortedBy(receivedShares(read, engine, query), query.order)
    .orderBy('s.organization', direction)
    .orderBy('s.name', direction)
    .select('s.repository_id')
    .limit(query.limit)
    .offset(query.offset)
    .execute()
  return rows.map(row => row.repository_id)
}

/** Ids after one, in their order; the one itself need not be there any more. */
export async function receivedAfter(
  { read, engine }: Pick<Database, 'read' | 'engine'>,
  query: Received & { after: number; limit: number },
): Promise<number[]> {
  const rows = await receivedShares(read, engine, query)
    .where('s.repository_id', '>', query.after)
    .orderBy('s.repository_id')
    .select('s.repository_id')
    .limit(query.limit)
    .execute()
  return rows.map(row => row.repository_id)
}

/** How many match: exact, and read from a total where nothing is asked for. */
export async function countReceived(
  { read, engine }: Pick<Database, 'read' | 'engine'>,
  query: Received,
): Promise<number> {
  if (Object.values(query.filter).every(value => value === undefined)) {
    const owner = `account:${query.accountId}` as const
    return (await readTotals(read, [owner]))(owner, 'received')
  }
  const { count } = await receivedShares(read, engine, query)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

/** Of repositories shared with an account: whose they are, and when that ends. */
export async function receivedTerms(
  db: Reader,
  { accountId, ids }: { accountId: string; ids: readonly number[] },
): Promise<ReadonlyMap<number, { ownerName: string; endsMs: number }>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom('repository_shares as s')
    .innerJoin('repositories as r', 'r.id', 's.repository_id')
    .innerJoin('organizations as o', 'o.id', 'r.organization_id')
    .innerJoin('accounts as a', 'a.id', 'o.account_id')
    .select(['s.repository_id', 's.ends_ms', 'a.name'])
    .where('s.account_id', '=', accountId)
    .where('s.repository_id', 'in', ids)
    .execute()
  return new Map(rows.map(row => [row.repository_id, { ownerName: row.name, endsMs: row.ends_ms }]))
}

/** Those of the repositories that have a share which counts at this time. */
export async function sharedNow(
  db: Reader,
  { ids, nowMs }: { ids: readonly number[]; nowMs: number },
): Promise<ReadonlySet<number>> {
  if (ids.length === 0) return new Set()
  const rows = await db
    .selectFrom('repository_shares')
    .select('repository_id')
    .where('repository_id', 'in', ids)
    .where('ends_ms', '>', nowMs)
    .groupBy('repository_id')
    .execute()
  return new Set(rows.map(row => row.repository_id))
}

/** Shares go with their repository, so each has one; the joins are left ones because engines drop those that nothing asks. */
function receivedShares(db: Reader, engine: Database['engine'], { accountId, filter, nowMs }: Received) {
  const { organization, organizationContains, nameContains, ownerName, isValid } = filter
  return db
    .selectFrom('repository_shares as s')
    .leftJoin('repositories as r', 'r.id', 's.repository_id')
    .leftJoin('organizations as o', 'o.id', 'r.organization_id')
    .leftJoin('accounts as a', 'a.id', 'o.account_id')
    .where('s.account_id', '=', accountId)
    .$if(organization !== undefined, rows => rows.where('s.organization', '=', organization ?? ''))
    .$if(organizationContains !== undefined, rows =>
      rows.where(containsText(engine, sql.ref('s.organization'), organizationContains ?? '')),
    )
    .$if(nameContains !== undefined, rows => rows.where(containsText(engine, sql.ref('s.name'), nameContains ?? '')))
    .$if(ownerName !== undefined, rows => rows.where('a.name', '=', ownerName ?? ''))
    .$if(isValid !== undefined, rows => rows.where('s.ends_ms', isValid ? '>' : '<=', nowMs))
}

function sortedBy(shares: ReturnType<typeof receivedShares>, { by, direction }: ReceivedOrder) {
  switch (by) {
    case 'organization':
      return shares
    case 'name':
      return shares.orderBy('s.name', direction)
    case 'updated':
      return shares.orderBy('r.updated_ms', direction)
    case 'tags':
      return shares.orderBy(totalOf('repository', 's.repository_id', 'tags'), direction)
    case 'owner':
      return shares.orderBy('a.name', direction)
  }
}
