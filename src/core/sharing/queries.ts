import type { Reader } from '../../metadata/database.ts'
import type { Row } from '../../metadata/tables.ts'

export type ShareRow = Omit<Row<'repository_shares'>, 'repository_id' | 'account_id' | 'organization' | 'name'> & {
  account_name: string
}

/** Shares of a repository by the names of accounts; of one account only where it is given. */
export async function listSharesOf(
  db: Reader,
  query: { repositoryId: number; accountId?: string; limit: number; offset: number },
): Promise<ShareRow[]> {
  const { repositoryId, accountId } = query
  return db
    .selectFrom('repository_shares as s')
    .innerJoin('accounts as a', 'a.id', 's.account_id')
    .select(['a.name as account_name', 's.deadline', 's.ends_ms', 's.description'])
    .select(['s.creator_id', 's.creator_name', 's.created_ms', 's.updated_ms'])
    .where('s.repository_id', '=', repositoryId)
    .$if(accountId !== undefined, shares => shares.where('s.account_id', '=', accountId ?? ''))
    .orderBy('a.name')
    .limit(query.limit)
    .offset(query.offset)
    .execute()
}

/** Some hundred at most. */
export async function countSharesOf(db: Reader, repositoryId: number): Promise<number> {
  const { count } = await db
    .selectFrom('repository_shares')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('repository_id', '=', repositoryId)
    .executeTakeFirstOrThrow()
  return count
}
