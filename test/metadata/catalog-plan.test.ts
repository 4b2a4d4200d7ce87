import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type CompiledQuery, sql } from 'kysely'
import { endlessMs } from '../../src/core/access/shares/change-shares.ts'
import { listPullable } from '../../src/core/repositories/catalog/queries.ts'
import type { Reader } from '../../src/metadata/database.ts'
import { PostgresDatabase } from '../../src/metadata/postgres/database.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'

const repositories = 20_000
const limit = 101

/** Whoever sees all of a large organization, by office, by grant, and by shares with the account. */
const people = ['administrator', 'granted', 'receiver'] as const

describeEngines('the catalog among many repositories', (engine, open) => {
  let opened: TestDatabase
  beforeAll(async () => {
    opened = await open()
    await opened.db.write(async tx => {
      const accounts = ['account', 'other'].map(id => ({ id, name: id, created_ms: 1 }))
      await tx.insertInto('accounts').values(accounts).execute()
      const user = { account_id: 'account', password_hash: '', is_enabled: 1, epoch: 1, created_ms: 1 }
      const users = people.map(id => ({
        ...user,
        ...(id === 'receiver' && { account_id: 'other' }),
        id,
        name: id,
        role: id === 'administrator' ? 'te_admin' : 'SWR OperateAccess',
      }))
      await tx.insertInto('users').values(users).execute()
      const organization = { account_id: 'account', creator_id: '', creator_name: '', created_ms: 1 }
      const names = ['before', 'large', 'later']
      await tx
        .insertInto('organizations')
        .values(names.map(name => ({ ...organization, name })))
        .execute()
      await sql`insert into organization_grants (organization_id, user_id, level, created_ms)
        select id, 'granted', 1, 1 from organizations`.execute(tx)
      await sql`insert into repositories
          (organization_id, name, is_public, category, creator_id, creator_name, created_ms, updated_ms)
        with recursive numbers(number) as (select 0 union all select number + 1 from numbers where number < ${repositories - 1})
        select o.id, 'r' || (10000 + n.number), 0, 'other', '', '', 1, 1
        from organizations o join numbers n on o.name = 'large' or n.number < 3`.execute(tx)
      await sql`insert into repository_shares (repository_id, account_id, organization, name, deadline, ends_ms,
          description, creator_id, creator_name, created_ms, updated_ms)
        select r.id, 'other', o.name, r.name, 'forever', ${endlessMs}, '', '', '', 1, 1
        from repositories r join organizations o on o.id = r.organization_id`.execute(tx)
    })
    if (opened.db instanceof PostgresDatabase) await opened.db.withClient(client => client.query('analyze'))
  })
  afterAll(() => opened.dispose())

  const pages = [
    ['first', undefined],
    ['deep', { organization: 'large', repository: 'r29000' }],
  ] as const

  for (const userId of people) {
    for (const [page, after] of pages) {
      test(`a ${page} page is right and touches about as many rows as it has (${userId})`, async () => {
        const { db } = opened
        const asked: CompiledQuery[] = []
        const read = {
          getExecutor: () => db.read.getExecutor(),
          executeQuery: (query: CompiledQuery) => {
            asked.push(query)
            return db.read.executeQuery(query)
          },
        } as unknown as Reader
        const found = await listPullable({ read, engine }, { userId, after, limit, nowMs: 1 })
        expect(found).toHaveLength(limit)
        expect(found[0]).toEqual(
          after ? { organization: 'large', repository: 'r29001' } : { organization: 'before', repository: 'r10000' },
        )
        expect(asked).toHaveLength(1)
        const [query] = asked
        if (!query) return
        const explain = engine === 'sqlite' ? 'explain query plan' : 'explain (analyze, format json)'
        const { rows } = await db.read.executeQuery({ ...query, sql: `${explain} ${query.sql}` })
        if (engine === 'sqlite') expectWalks(rows as { detail: string }[])
        else
          expect(mostRows((rows as { 'QUERY PLAN': [{ Plan: PlanNode }] }[])[0]?.['QUERY PLAN'][0].Plan)).toBeLessThan(
            5 * limit,
          )
      })
    }
  }

  test('pages follow each other over the ends of organizations', async () => {
    const names: string[] = []
    let after: { organization: string; repository: string } | undefined
    for (;;) {
      const page = await listPullable(opened.db, { userId: 'granted', after, limit: 1_999, nowMs: 1 })
      if (page.length === 0) break
      names.push(...page.map(entry => `${entry.organization}/${entry.repository}`))
      after = page.at(-1)
    }
    expect(names).toHaveLength(repositories + 6)
    expect(names).toEqual(names.toSorted())
    expect(new Set(names).size).toBe(names.length)
  })
})

/** SQLite tells no numbers, but where it sorts what it could have walked. */
function expectWalks(steps: { detail: string }[]): void {
  const details = steps.map(step => step.detail)
  expect(details.filter(detail => detail.includes('FOR LAST'))).toEqual([])
  expect(
    details.filter(detail => /INDEX repository_shares_by_name \(account_id=\? AND \(organization,name\)>/.test(detail)),
  ).toHaveLength(1)
  expect(details.filter(detail => /repositories_by_name \(organization_id=\? AND name>\?\)/.test(detail))).toHaveLength(
    2,
  )
}

type PlanNode = { 'Actual Rows': number; 'Actual Loops': number; Plans?: PlanNode[] }

function mostRows(node: PlanNode | undefined): number {
  if (!node) return 0
  return Math.max(node['Actual Rows'] * node['Actual Loops'], ...(node.Plans ?? []).map(mostRows))
}
