import { type RawBuilder, sql } from 'kysely'
import type { Reader, Transaction } from '../../metadata/database.ts'
import type { NewRow, Row } from '../../metadata/tables.ts'
import type { Metric } from '../totals.ts'

/** An organization with what lists show of it; `level` is the grant of the user who asks, null for none. */
export type OrganizationRow = Pick<Row<'organizations'>, 'id' | 'name' | 'creator_name'> & {
  level: number | null
  grant_count: number
  repository_count: number
}

export type GrantRow = { user_id: string; user_name: string; level: number }

/**
 * A total of one owner as an expression, for queries that sort or sum by it: base plus deltas, as `readTotals` reads it.
 * `owner` is the owner's column, e.g. `o.id`.
 */
export function totalOf(
  kind: 'account' | 'organization' | 'repository',
  owner: string,
  metric: Metric,
): RawBuilder<number> {
  const ownerText = sql`${sql.lit(`${kind}:`)} || ${sql.ref(owner)}`
  const isMetric = sql`metric = ${sql.lit(metric)}`
  return sql<number>`cast(
    coalesce((select sum(value) from totals where owner = ${ownerText} and ${isMetric}), 0) +
    coalesce((select sum(delta) from total_deltas where owner = ${ownerText} and ${isMetric}), 0) as bigint)`
}

/** The new id; undefined when the name is taken, in whatever account. */
export async function insertOrganization(tx: Transaction, row: NewRow<'organizations'>): Promise<number | undefined> {
  const added = await tx
    .insertInto('organizations')
    .values(row)
    .onConflict(conflict => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  return added?.id
}

/** Removes an organization without repositories, its grants with it; false when it has some or is gone. */
export async function deleteEmptyOrganization(tx: Transaction, id: number): Promise<boolean> {
  const removed = await tx
    .deleteFrom('organizations')
    .where('id', '=', id)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('repositories').select('id').where('organization_id', '=', id).where('deleted_ms', 'is', null),
        ),
      ),
    )
    .returning('id')
    .execute()
  return removed.length > 0
}

export async function hasOrganization(db: Reader, id: number): Promise<boolean> {
  return (await db.selectFrom('organizations').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
}

export async function findOrganization(db: Reader, id: number, userId: string): Promise<OrganizationRow | undefined> {
  return selectOrganizations(db, userId).where('o.id', '=', id).executeTakeFirst()
}

/**
 * Organizations of an account, by name. `visibleTo`: `administrator` all of them; `granted` those with a grant for the
 * user; `repository-granted` those and the ones in which the user holds a grant on a repository.
 */
export async function listOrganizations(
  db: Reader,
  query: {
    accountId: string
    userId: string
    visibleTo: 'administrator' | 'granted' | 'repository-granted'
    name: string | undefined
  },
): Promise<OrganizationRow[]> {
  const { userId } = query
  const granted = db.selectFrom('organization_grants').select('organization_id as id').where('user_id', '=', userId)
  const throughRepositories = db
    .selectFrom('repository_grants as g')
    .innerJoin('repositories as r', 'r.id', 'g.repository_id')
    .innerJoin('organizations as v', 'v.id', 'r.organization_id')
    .select('v.id')
    .where('g.user_id', '=', userId)
    .where('r.deleted_ms', 'is', null)
  return selectOrganizations(db, userId)
    .where('o.account_id', '=', query.accountId)
    .$if(query.name !== undefined, rows => rows.where('o.name', '=', query.name ?? ''))
    .$if(query.visibleTo === 'granted', rows => rows.where('o.id', 'in', granted))
    .$if(query.visibleTo === 'repository-granted', rows => rows.where('o.id', 'in', granted.union(throughRepositories)))
    .orderBy('o.name')
    .execute()
}

/** Users of this account among the ids, disabled ones included. */
export async function findUsersOfAccount(
  db: Reader,
  accountId: string,
  ids: readonly string[],
): Promise<Pick<Row<'users'>, 'id' | 'name'>[]> {
  if (ids.length === 0) return []
  return db
    .selectFrom('users')
    .select(['id', 'name'])
    .where('account_id', '=', accountId)
    .where('id', 'in', ids)
    .execute()
}

/** The users that got a grant; those who have one already keep it and are not among them. */
export async function insertOrganizationGrants(
  tx: Transaction,
  rows: readonly NewRow<'organization_grants'>[],
): Promise<string[]> {
  const added = await tx
    .insertInto('organization_grants')
    .values(rows)
    .onConflict(conflict => conflict.doNothing())
    .returning('user_id')
    .execute()
  return added.map(row => row.user_id)
}

/** Removes grants; returns those that were there. */
export async function takeOrganizationGrants(
  tx: Transaction,
  organizationId: number,
  userIds: readonly string[],
): Promise<Row<'organization_grants'>[]> {
  if (userIds.length === 0) return []
  return tx
    .deleteFrom('organization_grants')
    .where('organization_id', '=', organizationId)
    .where('user_id', 'in', userIds)
    .returningAll()
    .execute()
}

/** Every grant of an organization, by the user's name. */
export async function listOrganizationGrants(db: Reader, organizationId: number): Promise<GrantRow[]> {
  return db
    .selectFrom('organization_grants as g')
    .innerJoin('users as u', 'u.id', 'g.user_id')
    .select(['g.user_id', 'u.name as user_name', 'g.level'])
    .where('g.organization_id', '=', organizationId)
    .orderBy('u.name')
    .execute()
}

/** An organization with the choices it has made; null: as the installation says. */
export type ChosenRow = Pick<Row<'organizations'>, 'id' | 'name' | 'sparse_manifests'> & { account_name: string }

/** Sets the choices of an organization; undefined when there is none of that name. */
export async function updateChoices(
  tx: Transaction,
  name: string,
  choices: Pick<Row<'organizations'>, 'sparse_manifests'>,
): Promise<Pick<Row<'organizations'>, 'id' | 'account_id'> | undefined> {
  return tx
    .updateTable('organizations')
    .set(choices)
    .where('name', '=', name)
    .returning(['id', 'account_id'])
    .executeTakeFirst()
}

export async function findChoices(db: Reader, name: string): Promise<ChosenRow | undefined> {
  return selectChoices(db).where('o.name', '=', name).executeTakeFirst()
}

/** Of all accounts, by name. */
export async function listChoices(db: Reader, page: { limit: number }): Promise<ChosenRow[]> {
  return selectChoices(db).orderBy('o.name').limit(page.limit).execute()
}

function selectChoices(db: Reader) {
  return db
    .selectFrom('organizations as o')
    .innerJoin('accounts as a', 'a.id', 'o.account_id')
    .select(['o.id', 'o.name', 'o.sparse_manifests', 'a.name as account_name'])
}

function selectOrganizations(db: Reader, userId: string) {
  return db
    .selectFrom('organizations as o')
    .leftJoin('organization_grants as g', join =>
      join.onRef('g.organization_id', '=', 'o.id').on('g.user_id', '=', userId),
    )
    .select(['o.id', 'o.name', 'o.creator_name', 'g.level'])
    .select(eb =>
      eb
        .selectFrom('organization_grants as a')
        .select(({ fn }) => fn.countAll<number>().as('grants'))
        .whereRef('a.organization_id', '=', 'o.id')
        .$asScalar()
        .$notNull()
        .as('grant_count'),
    )
    .select(totalOf('organization', 'o.id', 'repositories').as('repository_count'))
}
