import { sql } from 'kysely'
import type { Database, Reader, Transaction } from '../../metadata/database.ts'
import { joinedText } from '../../metadata/dialects.ts'
import { statement } from '../../metadata/statement.ts'
import type { NewRow, Row } from '../../metadata/tables.ts'
import type { Level } from '../access/level.ts'
import { administratorRoles } from '../access/roles.ts'
import type { GrantRow } from '../organizations/queries.ts'

type Engine = Database['engine']

export type RepositoryRow = Omit<Row<'repositories'>, 'deleted_ms' | 'organization_id' | 'is_shared'> & {
  organization_id: number
  organization: string
  account_id: string
  description: string | null
}

/** The new row's id; undefined when a live repository of the organization has the name. */
export async function insertRepositoryRow(tx: Transaction, row: NewRow<'repositories'>): Promise<number | undefined> {
  const inserted = await tx
    .insertInto('repositories')
    .values(row)
    .onConflict(conflict => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted?.id
}

export async function insertDescription(tx: Transaction, repositoryId: number, description: string): Promise<void> {
  await tx.insertInto('repository_descriptions').values({ repository_id: repositoryId, description }).execute()
}

/** The creator's grant on a new repository, unless an office or the organization's grant gives the same already. */
export async function insertCreatorGrant(
  tx: Transaction,
  grant: { repositoryId: number; organizationId: number; userId: string; level: Level; nowMs: number },
): Promise<void> {
  await tx
    .insertInto('repository_grants')
    .columns(['repository_id', 'user_id', 'level', 'created_ms'])
    .expression(
      tx
        .selectFrom('users as u')
        .select([
          sql<number>`cast(${grant.repositoryId} as bigint)`.as('repository_id'),
          'u.id',
          sql<number>`cast(${grant.level} as bigint)`.as('level'),
          sql<number>`cast(${grant.nowMs} as bigint)`.as('created_ms'),
        ])
        .where('u.id', '=', grant.userId)
        .where('u.role', 'not in', administratorRoles)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('organization_grants')
                .select('level')
                .where('organization_id', '=', grant.organizationId)
                .where('user_id', '=', grant.userId)
                .where('level', '=', grant.level),
            ),
          ),
        ),
    )
    .execute()
}

/** Live repositories among the ids, in no order. */
export async function findRepositories(db: Reader, ids: readonly number[]): Promise<RepositoryRow[]> {
  if (ids.length === 0) return []
  return db
    .selectFrom('repositories as r')
    .innerJoin('organizations as o', 'o.id', 'r.organization_id')
    .leftJoin('repository_descriptions as d', 'd.repository_id', 'r.id')
    .select([
      'r.id',
      'o.id as organization_id',
      'r.name',
      'r.is_public',
      'r.category',
      'r.creator_id',
      'r.creator_name',
    ])
    .select(['r.created_ms', 'r.updated_ms', 'o.name as organization', 'o.account_id', 'd.description'])
    .where('r.id', 'in', ids)
    .where('r.deleted_ms', 'is', null)
    .execute()
}

/** The newest `limit` tags of each repository, newest first; those without any are not in the map. */
export async function findNewestTags(
  db: Reader,
  engine: Engine,
  { ids, limit }: { ids: readonly number[]; limit: number },
): Promise<ReadonlyMap<number, readonly string[]>> {
  if (ids.length === 0) return new Map()
  // A scalar query per repository, so that the index on updates stops at the limit however many tags there are. No tag
  // holds a blank.
  const newest = sql`(select name from tags where repository_id = r.id order by updated_ms desc, name desc limit ${sql.lit(limit)})`
  const rows = await db
    .selectFrom('repositories as r')
    .select('r.id')
    .select(sql<string | null>`(select ${joinedText(engine, sql.ref('t.name'), ' ')} from ${newest} as t)`.as('tags'))
    .where('r.id', 'in', ids)
    .execute()
  return new Map(rows.map(row => [row.id, row.tags?.split(' ') ?? []]))
}

/** Changes columns of a live repository; false when it is gone. */
export async function updateLiveRepository(
  tx: Transaction,
  id: number,
  change: Partial<Pick<Row<'repositories'>, 'is_public' | 'category'>> & { updated_ms: number },
): Promise<boolean> {
  const changed = await tx
    .updateTable('repositories')
    .set(change)
    .where('id', '=', id)
    .where('deleted_ms', 'is', null)
    .returning('id')
    .execute()
  return changed.length > 0
}

/** Sets or, with an empty one, removes a repository's description. */
export async function setDescription(tx: Transaction, repositoryId: number, description: string): Promise<void> {
  if (description === '') {
    await tx.deleteFrom('repository_descriptions').where('repository_id', '=', repositoryId).execute()
    return
  }
  await tx
    .insertInto('repository_descriptions')
    .values({ repository_id: repositoryId, description })
    .onConflict(conflict => conflict.column('repository_id').doUpdateSet({ description }))
    .execute()
}

/** Marks a repository as deleted and takes it out of its organization, which frees its name; false when it was gone. */
export async function markDeleted(tx: Transaction, id: number, nowMs: number): Promise<boolean> {
  const marked = await tx
    .updateTable('repositories')
    .set({ deleted_ms: nowMs, organization_id: null })
    .where('id', '=', id)
    .where('deleted_ms', 'is', null)
    .returning('id')
    .execute()
  return marked.length > 0
}

/** The job that removes what a deleted repository holds. `payload` says whose it was. */
export async function insertPurgeJob(
  tx: Transaction,
  job: { repositoryId: number; organizationId: number; accountId: string; nowMs: number },
): Promise<void> {
  await tx
    .insertInto('jobs')
    .values({
      kind: 'repository.purge',
      subject: String(job.repositoryId),
      payload: JSON.stringify({ accountId: job.accountId, organizationId: job.organizationId }),
      run_at_ms: job.nowMs,
      attempts: 0,
      lease_id: null,
      lease_until_ms: 0,
      last_error: null,
      created_ms: job.nowMs,
    })
    .execute()
}

/** The users that got a grant; those who have one already keep it and are not among them. */
export async function insertRepositoryGrants(
  tx: Transaction,
  rows: readonly NewRow<'repository_grants'>[],
): Promise<string[]> {
  const added = await tx
    .insertInto('repository_grants')
    .values(rows)
    .onConflict(conflict => conflict.doNothing())
    .returning('user_id')
    .execute()
  return added.map(row => row.user_id)
}

/** Removes grants; returns those that were there. */
export async function takeRepositoryGrants(
  tx: Transaction,
  repositoryId: number,
  userIds: readonly string[],
): Promise<Row<'repository_grants'>[]> {
  if (userIds.length === 0) return []
  return tx
    .deleteFrom('repository_grants')
    .where('repository_id', '=', repositoryId)
    .where('user_id', 'in', userIds)
    .returningAll()
    .execute()
}

/** Every grant of a repository, by the user's name. */
export async function listRepositoryGrants(db: Reader, repositoryId: number): Promise<GrantRow[]> {
  return db
    .selectFrom('repository_grants as g')
    .innerJoin('users as u', 'u.id', 'g.user_id')
    .select(['g.user_id', 'u.name as user_name', 'g.level'])
    .where('g.repository_id', '=', repositoryId)
    .orderBy('u.name')
    .execute()
}

/** The live repository of that name in the organization. */
export async function findRepositoryId(db: Reader, organizationId: number, name: string): Promise<number | undefined> {
  const row = await db
    .selectFrom('repositories')
    .select('id')
    .where('organization_id', '=', organizationId)
    .where('name', '=', name)
    .where('deleted_ms', 'is', null)
    .executeTakeFirst()
  return row?.id
}

/** False once the repository is deleted. */
export async function isLive(db: Reader, repositoryId: number): Promise<boolean> {
  return (await liveRepository.first(db, { repositoryId })) !== undefined
}

const liveRepository = statement((db, { repositoryId }: { repositoryId: number }) =>
  db.selectFrom('repositories').select('id').where('id', '=', repositoryId).where('deleted_ms', 'is', null),
)
