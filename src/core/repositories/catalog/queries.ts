import { sql } from 'kysely'
import type { Database, Reader } from '../../../metadata/database.ts'
import { firstOfEach } from '../../../metadata/dialects.ts'
import { perShape, statement } from '../../../metadata/statement.ts'
import { administratorRoles } from '../../access/roles.ts'

/** A repository by its two names. */
export type CatalogEntry = { organization: string; repository: string }

/**
 * Repositories that a user (or, with null, nobody in particular) may pull from, ordered by organization and name. Each
 * way to see one is a branch that walks an index from the position on and stops at the page's size, however many
 * repositories an organization has; the page is merged from the branches.
 */
export async function listPullable(
  { read, engine }: Pick<Database, 'read' | 'engine'>,
  query: { userId: string | null; after: CatalogEntry | undefined; limit: number; nowMs: number },
): Promise<CatalogEntry[]> {
  const { organization = '', repository = '' } = query.after ?? {}
  const asked = query.userId === null ? 'everyone' : 'user'
  return pullable(`${engine} ${asked}`).all(read, {
    userId: query.userId,
    organization,
    repository,
    limit: query.limit,
    nowMs: query.nowMs,
  })
}

type Page = { userId: string | null; organization: string; repository: string; limit: number; nowMs: number }

const pullable = perShape((shape: `${Database['engine']} ${'everyone' | 'user'}`) =>
  statement<Page, CatalogEntry>((_db: Reader, { userId, organization, repository, limit, nowMs }) => {
    const engine = shape.startsWith('postgres') ? 'postgres' : 'sqlite'
    // Of the organization at the position what comes after it, of later ones everything; a bound that the index takes.
    const isAfter = sql`r.name > case when o.name = ${organization} then ${repository} else '' end`
    const columns = sql`select o.name as organization, r.name as repository`
    // A name belongs to one organization; its id says so to an index that holds both.
    const page = sql`order by o.name, o.id, r.name limit ${limit}`
    const branch = (joins: ReturnType<typeof sql>, condition: ReturnType<typeof sql>, which = sql`1 = 1`) => {
      const repositories = firstOfEach(engine, {
        table: 'repositories',
        alias: 'r',
        where: sql`r.organization_id = o.id and r.deleted_ms is null and ${isAfter} and ${which}`,
        orderBy: sql`r.name`,
        limit: sql`${limit}`,
      })
      return sql`select * from (${columns} from ${joins} ${repositories}
        where ${condition} and o.name >= ${organization} ${page}) as branch_page`
    }
    const isUser = sql`u.id = ${userId} and u.is_enabled = 1`
    const ofAdministrator = branch(
      sql`users u join organizations o on o.account_id = u.account_id`,
      sql`${isUser} and u.role in (${sql.join(administratorRoles.map(role => sql.lit(role)))})`,
    )
    const ofOrganizationGrant = branch(
      sql`users u join organization_grants g on g.user_id = u.id
          join organizations o on o.id = g.organization_id and o.account_id = u.account_id`,
      isUser,
    )
    // From the grants on, which are few, and never from the repositories: SQLite keeps the order of cross joins.
    const ofRepositoryGrant = sql`select * from (${columns} from users u cross join repository_grants g
          cross join repositories r cross join organizations o
          where ${isUser} and g.user_id = u.id and r.id = g.repository_id and r.deleted_ms is null
          and o.id = r.organization_id and o.account_id = u.account_id
          and o.name >= ${organization} and ${isAfter} ${page}) as branch_page`
    // Others decide how many of these there are; they have the names, and go with their repository.
    // Others decide how many shares there are. Each has the names of its repository, and goes with it.
    const received = firstOfEach(engine, {
      table: 'repository_shares',
      alias: 's',
      where: sql`s.account_id = u.account_id and s.ends_ms > ${nowMs}
        and (s.organization, s.name) > (${organization}, ${repository})`,
      orderBy: sql`s.organization, s.name`,
      limit: sql`${limit}`,
    })
    const ofShare = sql`select * from (select s.organization as organization, s.name as repository
          from users u ${received} where ${isUser} order by s.organization, s.name limit ${limit}) as branch_page`
    const ofEveryone = branch(sql`organizations o`, sql`1 = 1`, sql`r.is_public = 1`)
    const branches =
      shape === `${engine} everyone`
        ? [ofEveryone]
        : [ofAdministrator, ofOrganizationGrant, ofRepositoryGrant, ofShare, ofEveryone]
    return sql<CatalogEntry>`${sql.join(branches, sql` union `)} order by organization, repository limit ${limit}`
  }),
)
