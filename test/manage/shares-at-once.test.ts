import { afterAll, beforeAll, expect, test } from 'bun:test'
import { sql } from 'kysely'
import { readTotals } from '../../src/core/totals.ts'
import { describeEngines } from '../databases.ts'
import { type ManageServer, startManageServer, type TestUser } from './server.ts'

const receivers = ['OTC111', 'OTC222', 'OTC333']
const forever = { permit: 'read', deadline: 'forever' }

describeEngines('shares that many change at once', (_engine, open) => {
  let server: ManageServer
  let owner: TestUser
  const receiverIds: string[] = []

  beforeAll(async () => {
    server = await startManageServer(open)
    owner = await server.addUser('owner')
    for (const account of receivers) receiverIds.push((await server.addUser('admin', { account })).accountId)
  })
  afterAll(() => server.stop())

  test.each([1, 2, 3])('are counted as they are in the end, and nothing fails (round %i)', async round => {
    const group = `/v2/manage/namespaces/group${round}`
    await server.ask(owner, 'POST /v2/manage/namespaces', { namespace: `group${round}` })
    const repositories = ['r0', 'r1', 'r2', 'r3', 'r4']
    for (const repository of repositories)
      await server.ask(owner, `POST ${group}/repos`, { repository, is_public: false })
    // Every change of each pair, and of each repository; the last one goes in the middle of it.
    const calls = repositories.flatMap((repository, index) => {
      const at = `${group}/repos/${repository}`
      const ofPairs = receivers.flatMap(account => [
        () => server.ask(owner, `POST ${at}/access-domains`, { access_domain: account, ...forever }),
        () => server.ask(owner, `PATCH ${at}/access-domains/${account}`, forever),
        () => server.ask(owner, `DELETE ${at}/access-domains/${account}`),
        () => server.ask(owner, `POST ${at}/access-domains`, { access_domain: account, ...forever }),
      ])
      const ofRepository = [
        () => server.ask(owner, `PATCH ${at}`, { is_public: true }),
        () => server.ask(owner, `PATCH ${at}`, { is_public: false }),
        ...(index === repositories.length - 1 ? [() => server.ask(owner, `DELETE ${at}`)] : []),
      ]
      return [...ofPairs, ...ofRepository]
    })
    const mixed = calls.map((call, index) => ({ call, place: (index * 31 + round * 17) % calls.length }))
    const answers = await Promise.all(mixed.toSorted((a, b) => a.place - b.place).map(({ call }) => call()))
    expect(
      [...new Set(answers.map(answer => answer.status))].filter(status => ![201, 204, 400, 404, 409].includes(status)),
    ).toEqual([])
    expect(answers.filter(answer => answer.status === 201).length).toBeGreaterThan(repositories.length)
    await expectTotals(round)
  })

  /** What is maintained beside the shares, against a count of them. */
  async function expectTotals(round: number): Promise<void> {
    const { read } = server.db
    const { rows: wrong } = await sql`select r.id from repositories r where r.is_shared <>
      (case when exists (select 1 from repository_shares s where s.repository_id = r.id) then 1 else 0 end)`.execute(
      read,
    )
    expect(wrong).toEqual([])
    const count = async (condition: ReturnType<typeof sql>, what = sql`distinct r.id`) => {
      const { rows } = await sql<{ count: number }>`select cast(count(${what}) as bigint) as count
        from repository_shares s join repositories r on r.id = s.repository_id
        join organizations o on o.id = r.organization_id where ${condition}`.execute(read)
      return rows[0]?.count
    }
    const organization = await read
      .selectFrom('organizations')
      .select('id')
      .where('name', '=', `group${round}`)
      .executeTakeFirstOrThrow()
    const owners = [
      `account:${owner.accountId}`,
      `organization:${organization.id}`,
      ...receiverIds.map(id => `account:${id}`),
    ] as const
    const totals = await readTotals(read, owners as never)
    expect(totals(`account:${owner.accountId}`, 'shared')).toBe((await count(sql`1 = 1`)) ?? -1)
    expect(totals(`organization:${organization.id}`, 'shared')).toBe(
      (await count(sql`o.id = ${organization.id}`)) ?? -1,
    )
    for (const id of receiverIds) {
      expect(totals(`account:${id}`, 'received')).toBe((await count(sql`s.account_id = ${id}`, sql`*`)) ?? -1)
    }
  }
})
