import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type CompiledQuery, sql } from 'kysely'
import { openAccess } from '../../src/core/access/access.ts'
import { countMatching } from '../../src/core/repositories/list/counts/queries.ts'
import { listRepositories } from '../../src/core/repositories/list/list-repositories.ts'
import type { RepositoryFilter } from '../../src/core/repositories/list/matching/queries.ts'
import { pageOfIds, pageOfIdsAfter, type SortedOrder } from '../../src/core/repositories/list/queries.ts'
import { addToTotal } from '../../src/core/totals.ts'
import type { Reader } from '../../src/metadata/database.ts'
import { openPostgres, PostgresDatabase } from '../../src/metadata/postgres/database.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'
import { registryClient } from '../oci/registry-client.ts'
import { postgresPrograms } from '../postgres-server.ts'
import { createOrganization, managementToken, startTestServer } from '../server.ts'

const repositories = 20_000
const limit = 100

describeEngines('the list of repositories among many', (engine, open) => {
  let opened: TestDatabase
  beforeAll(async () => {
    opened = await open()
    await opened.db.write(async tx => {
      await tx.insertInto('accounts').values({ id: 'account', name: 'account', created_ms: 1 }).execute()
      const user = { account_id: 'account', password_hash: '', is_enabled: 1, epoch: 1, created_ms: 1 }
      await tx
        .insertInto('users')
        .values([
          { ...user, id: 'granted', name: 'granted', role: 'SWR OperateAccess' },
          { ...user, id: 'administrator', name: 'administrator', role: 'te_admin' },
        ])
        .execute()
      const organization = { account_id: 'account', creator_id: '', creator_name: '', created_ms: 1 }
      const names = ['before', 'large', 'later']
      await tx
        .insertInto('organizations')
        .values(names.map(name => ({ ...organization, name })))
        .execute()
      await sql`insert into organization_grants (organization_id, user_id, level, created_ms)
        select id, 'granted', 1, 1 from organizations where name <> 'later'`.execute(tx)
      // Times and kinds in another order than names.
      await sql`insert into repositories (organization_id, account_id, name, is_public, category, creator_id, creator_name,
          created_ms, updated_ms)
        with recursive numbers(number) as (select 0 union all select number + 1 from numbers where number < ${repositories - 1})
        select o.id, 'account', 'r' || (10000 + n.number), case when n.number % 1000 = 0 then 1 else 0 end,
          case when n.number % 500 = 0 then 'linux' else 'other' end, '', '', 1, (n.number * 7919) % 20011
        from organizations o join numbers n on o.name = 'large' or n.number < 3`.execute(tx)
      await sql`insert into repository_grants (repository_id, user_id, level, created_ms)
        select r.id, 'granted', 1, 1 from repositories r join organizations o on o.id = r.organization_id
        where o.name = 'later' and r.name = 'r10001'`.execute(tx)
    })
    if (opened.db instanceof PostgresDatabase) await opened.db.withClient(client => client.query('vacuum analyze'))
  }, 60_000)
  afterAll(() => opened.dispose())

  const whole = { accountId: 'account', grantedTo: undefined }
  const granted = { accountId: 'account', grantedTo: 'granted' }

  // First: on a connection that explained a plan, bun:sqlite goes on reading what it read before.
  test('a repository that is gone is found no more', async () => {
    const { db } = opened
    const count = (nameContains: string) =>
      countMatching({ read: db.read, engine }, { scope: whole, filter: { nameContains } })
    const row = { account_id: 'account', is_public: 0, category: '', creator_id: '', creator_name: '', created_ms: 1 }
    await db.write(async tx => {
      const { id } = await tx
        .selectFrom('organizations')
        .select('id')
        .where('name', '=', 'later')
        .executeTakeFirstOrThrow()
      await tx
        .insertInto('repositories')
        .values({ ...row, organization_id: id, name: 'unheard/of', updated_ms: 1, deleted_ms: null })
        .execute()
    })
    expect(await count('heard/o')).toBe(1)
    await db.write(tx => tx.deleteFrom('repositories').where('name', '=', 'unheard/of').execute())
    expect(await count('heard/o')).toBe(0)
  })

  test('what has no index is sorted up to a bound, and refused beyond it', async () => {
    const { db } = opened
    const clock = { nowMs: () => 1 }
    const deps = { db, clock, access: openAccess({ db, clock }) }
    const of = { accountId: 'account', accountName: 'account', userEpoch: 1 }
    const caller = { ...of, kind: 'user', userId: 'administrator', userName: 'administrator' } as const
    const query = { order: { by: 'tags', direction: 'asc' }, limit, from: { offset: 0 } } as const
    // Each way of counting has its own: a total is what was counted, and nothing of this was.
    await db.write(tx => addToTotal(tx, 'account:account', 'repositories', repositories + 6))
    const all = listRepositories(deps, caller, { ...query, filter: {} })
    await expect(all).rejects.toMatchObject({ code: 'parameter_invalid', detail: { parameter: 'order_column' } })
    const few = await listRepositories(deps, caller, { ...query, filter: { category: 'linux' } })
    expect(few.repositories).toHaveLength(42)
  })

  /** What a question answers, and the plan of its one query. */
  async function planOf<T>(ask: (store: { read: Reader; engine: typeof engine }) => Promise<T>) {
    const { db } = opened
    const asked: CompiledQuery[] = []
    const executor = db.read.getExecutor()
    const noting = {
      adapter: executor.adapter,
      compileQuery: executor.compileQuery.bind(executor),
      transformQuery: executor.transformQuery.bind(executor),
      executeQuery: (query: CompiledQuery) => {
        asked.push(query)
        return executor.executeQuery(query)
      },
    }
    // The one method of a reader that these queries use.
    const read = { getExecutor: () => noting } as unknown as Reader
    const answer = await ask({ read, engine })
    expect(asked).toHaveLength(1)
    const [query] = asked
    if (!query) throw new Error('nothing was asked')
    const explain = engine === 'sqlite' ? 'explain query plan' : 'explain (analyze, format json)'
    const { rows } = await db.read.executeQuery({ ...query, sql: `${explain} ${query.sql}` })
    if (engine === 'sqlite') return { answer, steps: (rows as { detail: string }[]).map(row => row.detail) }
    const [plan] = (rows as { 'QUERY PLAN': [{ Plan: PlanNode }] }[])[0]?.['QUERY PLAN'] ?? []
    return { answer, rows: mostRows(plan?.Plan) }
  }

  const orders: [what: string, scope: typeof whole | typeof granted, order: SortedOrder, filter: RepositoryFilter][] = [
    ['by organization', whole, { by: 'organization', direction: 'asc' }, {}],
    ['by organization, backwards', whole, { by: 'organization', direction: 'desc' }, {}],
    ['by organization, of a user', granted, { by: 'organization', direction: 'asc' }, {}],
    ['by name', whole, { by: 'name', direction: 'asc' }, {}],
    ['by time, newest first', whole, { by: 'updated', direction: 'desc' }, {}],
    ['of an organization', whole, { by: 'organization', direction: 'asc' }, { organization: 'large' }],
    ['of an organization by name', whole, { by: 'name', direction: 'desc' }, { organization: 'large' }],
  ]

  for (const [what, scope, order, filter] of orders) {
    for (const offset of [0, 2_000]) {
      test(`${what}, a page behind ${offset} touches about what it skips and holds`, async () => {
        const { answer, steps, rows } = await planOf(store =>
          pageOfIds(store, { scope, order, filter, limit, offset, areFew: false }),
        )
        expect(answer).toHaveLength(limit)
        expect(new Set(answer).size).toBe(limit)
        // Of two branches: the few that are granted one by one, and the page itself.
        const sorts = (steps ?? []).filter(step => step.endsWith('USE TEMP B-TREE FOR ORDER BY'))
        expect(sorts).toHaveLength(engine === 'sqlite' && scope === granted ? 2 : 0)
        expect(rows ?? 0).toBeLessThan(3 * (limit + offset) + 100)
      })
    }
  }

  test('a page after a position touches about what it holds', async () => {
    const after = { organization: 'large', name: 'r29000' }
    for (const scope of [whole, granted]) {
      const { answer, rows } = await planOf(store =>
        pageOfIdsAfter(store, { scope, filter: {}, after, limit, areFew: false }),
      )
      expect(answer).toHaveLength(limit)
      expect(rows ?? 0).toBeLessThan(5 * limit)
    }
  })

  test('pages of a user follow each other over the ends of what grants show', async () => {
    const found: number[] = []
    for (let offset = 0; ; offset += 999) {
      const order = { by: 'organization', direction: 'asc' } as const
      const page = await pageOfIds(
        { ...opened.db, read: opened.db.read, engine },
        {
          ...{ scope: granted, filter: {}, order, limit: 999, offset, areFew: false },
        },
      )
      if (page.length === 0) break
      found.push(...page)
    }
    expect(new Set(found).size).toBe(found.length)
    expect(found).toHaveLength(repositories + 3 + 1)
    const names = await opened.db.read
      .selectFrom('repositories as r')
      .innerJoin('organizations as o', 'o.id', 'r.organization_id')
      .select(['r.id', sql<string>`o.name || '/' || r.name`.as('path')])
      .execute()
    const paths = new Map(names.map(row => [row.id, row.path]))
    const listed = found.map(id => paths.get(id) ?? '')
    expect(listed).toEqual(listed.toSorted())
    expect(listed.at(-1)).toBe('later/r10001')
  })

  test('a part of a name is found by its letters, and not by looking at every name', async () => {
    for (const [nameContains, count] of [
      ['2500', 12],
      ['r29999', 1],
      ['r1"', 0],
      ["' or '", 0],
      ['r_00', 0],
      ['%000', 0],
    ] as const) {
      const order = { by: 'organization', direction: 'asc' } as const
      const page = { scope: whole, filter: { nameContains }, order, limit, offset: 0, areFew: true }
      const { answer, steps, rows } = await planOf(store => pageOfIds(store, page))
      expect([nameContains, answer.length]).toEqual([nameContains, count])
      if (steps)
        expect(steps.slice(0, 2)).toEqual([
          'SCAN n VIRTUAL TABLE INDEX 0:M1',
          'SEARCH r USING INTEGER PRIMARY KEY (rowid=?)',
        ])
      expect(rows ?? 0).toBeLessThan(repositories / 10)
    }
    // Of fewer letters than three there is no index.
    const counted = await countMatching(
      { read: opened.db.read, engine },
      { scope: whole, filter: { nameContains: '99' } },
    )
    expect(counted).toBeGreaterThan(300)
  })

  test('what few match is found by what they are, and is what a walk finds', async () => {
    const order = { by: 'organization', direction: 'desc' } as const
    for (const filter of [{ category: 'linux' }, { isPublic: true }, { nameContains: '2500' }]) {
      for (const scope of [whole, granted]) {
        const page = { scope, order, filter, limit, offset: 3 }
        const { answer, steps, rows } = await planOf(store => pageOfIds(store, { ...page, areFew: true }))
        expect(answer.length).toBeGreaterThan(5)
        expect(await pageOfIds({ read: opened.db.read, engine }, { ...page, areFew: false })).toEqual(answer)
        if (scope === granted) continue
        expect((steps ?? []).filter(step => step.includes('repositories_by_name'))).toEqual([])
        expect(rows ?? 0).toBeLessThan(200)
      }
    }
  })

  const counts: [what: string, filter: RepositoryFilter, count: number][] = [
    ['public', { isPublic: true }, 22],
    ['linux', { category: 'linux' }, 42],
    ['linux and private', { category: 'linux', isPublic: false }, 20],
  ]

  test.each(counts)('counting those that are %s touches those alone', async (_what, filter, count) => {
    const { answer, steps, rows } = await planOf(({ read }) =>
      countMatching({ read, engine }, { scope: whole, filter }),
    )
    expect(answer).toBe(count)
    if (steps) expect(steps.filter(step => step.includes('COVERING INDEX repositories_by_kind'))).toHaveLength(1)
    expect(rows ?? 0).toBeLessThan(2 * count + 2)
  })
})

const testPostgres = postgresPrograms() ? test : test.skip
testPostgres(
  'without the extension names are searched all the same, and a start says so (needs postgresql-15)',
  async () => {
    const server = await startTestServer('postgres')
    await createOrganization(server, 'group')
    await registryClient(server).pushBlob('group/a_name', 'x')
    const missing = () => server.log.filter(line => line.includes('pg_trgm'))
    expect(missing()).toEqual([])
    await using db = await openPostgres({ url: server.databaseEnv.STOWER_DATABASE_URL ?? '', connections: 1 })
    await db.withClient(client => client.query('drop extension pg_trgm cascade'))
    await server.restart()
    expect(missing()).toHaveLength(1)
    const find = async (part: string) => {
      const headers = { 'x-auth-token': await managementToken(server) }
      return (await fetch(`${server.url}/v2/manage/repos?name=${part}`, { headers })).json() as Promise<
        { name: string }[]
      >
    }
    expect((await find('a_na')).map(item => item.name)).toEqual(['a_name'])
    expect(await find('a%25na')).toEqual([])
    expect(await find('axna')).toEqual([])
    await server.stop()
  },
)

type PlanNode = { 'Actual Rows': number; 'Actual Loops': number; Plans?: PlanNode[] }

function mostRows(node: PlanNode | undefined): number {
  if (!node) return 0
  return Math.max(node['Actual Rows'] * node['Actual Loops'], ...(node.Plans ?? []).map(mostRows))
}
