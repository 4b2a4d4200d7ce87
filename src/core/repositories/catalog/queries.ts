import { sql } from 'kysely'
import type { Reader } from '../../../metadata/database.ts'

/** A repository by its two names. */
export type CatalogEntry = { organization: string; repository: string }

/**
 * Repositories that a user (or, with null, nobody in particular) may pull from, ordered by organization and name. Each
 * way to see one is a branch that an index serves, bounded by the page; the page is merged from the branches.
 */
export async function listPullable(
  db: Reader,
  query: { userId: string | null; after: CatalogEntry | undefined; limit: number },
): Promise<CatalogEntry[]> {
  const { userId, limit } = query
  const organization = query.after?.organization ?? ''
  const repository = query.after?.repository ?? ''
  const after = sql`(o.name > ${organization} or (o.name = ${organization} and r.name > ${repository}))`
  const columns = sql`select o.name as organization, r.name as repository`
  const page = sql`order by o.name, r.name limit ${limit}`
  const branch = (joins: ReturnType<typeof sql>, condition: ReturnType<typeof sql>) =>
    sql`select * from (${columns} from ${joins}
        join repositories r on r.organization_id = o.id and r.deleted_ms is null
        where ${condition} and o.name >= ${organization} and ${after} ${page}) as branch_page`
  const ofAdministrator = branch(
    sql`users u join organizations o on o.account_id = u.account_id`,
    sql`u.id = ${userId} and u.is_enabled = 1 and u.is_administrator = 1`,
  )
  const ofOrganizationGrant = branch(
    sql`users u join organization_grants g on g.user_id = u.id
        join organizations o on o.id = g.organization_id and o.account_id = u.account_id`,
    sql`u.id = ${userId} and u.is_enabled = 1`,
  )
  const ofRepositoryGrant = sql`select * from (${columns} from users u join repository_grants g on g.user_id = u.id
        join repositories r on r.id = g.repository_id and r.deleted_ms is null
        join organizations o on o.id = r.organization_id and o.account_id = u.account_id
        where u.id = ${userId} and u.is_enabled = 1 and ${after} ${page}) as branch_page`
  const ofEveryone = branch(sql`organizations o`, sql`r.is_public = 1`)
  const branches =
    userId === null ? [ofEveryone] : [ofAdministrator, ofOrganizationGrant, ofRepositoryGrant, ofEveryone]
  const merged = sql.join(branches, sql` union `)
  const { rows } = await sql<CatalogEntry>`${merged} order by organization, repository limit ${limit}`.execute(db)
  return rows
}
