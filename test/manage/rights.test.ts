import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Role } from '../../src/protocol/iam/roles.ts'
import { pathOf } from '../../src/surfaces/manage/operation.ts'
import { operations } from '../../src/surfaces/manage/surface.ts'
import { describeEngines } from '../databases.ts'
import { askers, matrix, projectOfOwner, type Stage } from './matrix.ts'
import { type ManageServer, startManageServer, type TestUser } from './server.ts'
import { askFor, everyRow, makeStage } from './stage.ts'

const grantOf = (user: TestUser, auth = 1) => ({ user_id: user.id, user_name: user.name, auth })

test('every operation of the management API has a row in the matrix, and every row an operation and each asker', () => {
  expect(Object.keys(matrix).sort()).toEqual([...new Set(operations.map(({ route }) => route))].sort())
  for (const [route, { answers }] of Object.entries(matrix)) {
    expect([route, answers.split(' ').length]).toEqual([route, askers.length])
  }
})

describeEngines('rights in the management API', (_engine, open) => {
  let server: ManageServer
  let people: Pick<Stage, 'server' | 'owner' | 'granted' | 'grantee'>
  let asker: TestUser
  let foreigner: TestUser
  let receivers: Record<string, TestUser>

  beforeAll(async () => {
    server = await startManageServer(open)
    people = {
      server,
      owner: await server.addUser('owner'),
      grantee: await server.addUser('grantee'),
      granted: await server.addUser('granted'),
    }
    const project = { id: projectOfOwner, account_id: people.owner.accountId, name: 'eu-de', created_ms: 0 }
    await server.db.write(tx => tx.insertInto('projects').values(project).execute())
    asker = await server.addUser('asker')
    foreigner = await server.addUser('admin', { account: 'OTC111', isAdministrator: true })
    receivers = {
      shared: await server.addUser('admin', { account: 'OTC222', isAdministrator: true }),
      ended: await server.addUser('admin', { account: 'OTC333', isAdministrator: true }),
    }
  })
  afterAll(() => server.stop())

  let round = 0
  const newStage = (options: { isPublic?: boolean } = {}) => {
    round += 1
    return makeStage(people, { organization: `group${round}`, rows: Object.values(matrix), ...options })
  }

  const grant = async (stage: Stage, user: TestUser, where: string, level: number) => {
    const at = `/v2/manage/namespaces/${stage.organization}${where.startsWith('o') ? '' : '/repos/r'}/access`
    expect((await server.ask(people.owner, `POST ${at}`, [grantOf(user, level)])).status).toBe(201)
  }

  const rolesOfAskers: Record<string, Role> = {
    bare7: 'none',
    read7: 'SWR ReadOnlyAccess',
    guest7: 'Tenant Guest',
    full: 'SWR FullAccess',
    admin: 'te_admin',
  }

  /** The user behind an asker; what it is granted is granted on each stage. */
  async function userFor(who: string): Promise<TestUser | undefined> {
    if (who === 'nobody') return undefined
    if (who === 'foreign') return foreigner
    if (receivers[who]) return receivers[who]
    const user = await server.addUser(`asks as ${who}`, { role: rolesOfAskers[who] ?? 'SWR OperateAccess' })
    if (who === 'expired') {
      await server.db.write(tx =>
        tx.updateTable('keystone_tokens').set({ expires_ms: 1 }).where('user_id', '=', user.id).execute(),
      )
    }
    return user
  }

  async function stageFor(who: string, user: TestUser | undefined): Promise<Stage> {
    const stage = await newStage()
    if (!user) return stage
    if (/^[ro][137]$/.test(who)) await grant(stage, user, who, Number(who.slice(1)))
    if (['bare7', 'read7', 'guest7', 'disabled', 'expired'].includes(who)) await grant(stage, user, 'o', 7)
    return stage
  }

  test.each(askers.map((who, column) => [who, column] as const))(
    '%s may do what the matrix says, and what is refused changes nothing',
    async (who, column) => {
      const user = await userFor(who)
      let stage = await stageFor(who, user)
      if (who === 'disabled') await disable(user)
      const answers: string[] = []
      for (const operation of operations) {
        const before = operation.method === 'GET' ? undefined : await everyRow(server.db.read)
        const { status } = await askFor(stage, operation, matrix[operation.route], { by: user })
        answers.push(`${operation.method} ${pathOf(operation)} ${status}`)
        if (before && status >= 400) {
          expect([operation.route, await everyRow(server.db.read)]).toEqual([operation.route, before])
        }
        if (before && status < 400) stage = await stageFor(who, user)
      }
      const expected = operations.map(
        operation => `${operation.method} ${pathOf(operation)} ${matrix[operation.route]?.answers.split(' ')[column]}`,
      )
      expect(answers).toEqual(expected)
    },
  )

  test('of two grants the higher counts', async () => {
    const stage = await newStage()
    await grant(stage, asker, 'o', 3)
    await grant(stage, asker, 'r', 1)
    const access = `/v2/manage/namespaces/${stage.organization}/repos/r/access`
    expect((await server.ask(asker, `GET ${access}`)).body.self_auth.auth).toBe(3)
    await server.ask(people.owner, `PATCH ${access}`, [grantOf(asker, 7)])
    expect((await server.ask(asker, `GET ${access}`)).body.self_auth.auth).toBe(7)
  })

  test('who may only read is shown 1, whatever is granted', async () => {
    const reader = await server.addUser('reader', { role: 'SWR ReadOnlyAccess' })
    const stage = await newStage()
    await grant(stage, reader, 'o', 7)
    const at = `/v2/manage/namespaces/${stage.organization}`
    expect((await server.ask(reader, `GET ${at}`)).body.auth).toBe(1)
    expect((await server.ask(reader, `GET ${at}/access`)).body.self_auth.auth).toBe(1)
    expect((await server.ask(reader, 'GET /v2/manage/namespaces')).body.namespaces[0].auth).toBe(1)
    // What was granted stays, for the day the limit is taken away.
    const { body } = await server.ask(people.owner, `GET ${at}/access`)
    expect(body.others_auths).toContainEqual(grantOf(reader, 7))
  })

  test('a public repository is shown to its account and changed by who may', async () => {
    const { organization } = await newStage({ isPublic: true })
    const at = `/v2/manage/namespaces/${organization}`
    expect((await server.ask(asker, `GET ${at}/repos/r`)).status).toBe(200)
    expect((await server.ask(asker, `PATCH ${at}/repos/r`, { is_public: false })).status).toBe(403)
    expect((await server.ask(asker, `DELETE ${at}/repos/r`)).status).toBe(403)
    expect((await server.ask(asker, `GET ${at}`)).status).toBe(404)
    expect((await server.ask(asker, `POST ${at}/repos`, { repository: 'new', is_public: false })).status).toBe(404)
  })

  test('a right that is taken back is gone with the next request', async () => {
    const stage = await newStage()
    const at = `/v2/manage/namespaces/${stage.organization}`
    await grant(stage, asker, 'o', 7)
    expect((await server.ask(asker, `GET ${at}`)).status).toBe(200)
    await server.ask(people.owner, `DELETE ${at}/access`, [asker.id])
    expect((await server.ask(asker, `GET ${at}`)).status).toBe(404)
  })

  test('a user who is disabled is 401 with the next request', async () => {
    const leaver = await server.addUser('leaver')
    expect((await server.ask(leaver, 'GET /v2/manage/namespaces')).status).toBe(200)
    await disable(leaver)
    for (const path of ['/v2/manage/namespaces', '/v2/manage/repos']) {
      expect((await server.ask(leaver, `GET ${path}`)).code).toBe('4010000')
    }
  })

  test.each(
    operations
      .filter(operation => operation.path.includes(':organization'))
      .map(operation => [operation.route, operation] as const),
  )(
    '%s on another account’s things is answered as on nothing at all, and changes nothing',
    async (route, operation) => {
      const stage = await newStage()
      const before = await everyRow(server.db.read)
      const theirs = await askFor(stage, operation, matrix[route], { by: foreigner })
      const nothing = await askFor(stage, operation, matrix[route], { by: foreigner, organization: 'nowhere' })
      expect([theirs.status, theirs.code]).toEqual([404, '4040058'])
      const blank = (answer: typeof theirs, name: string) =>
        answer.text.replaceAll(answer.body.request_id, '*').replaceAll(name, '*')
      expect(blank(theirs, stage.organization)).toBe(blank(nothing, 'nowhere'))
      expect(await everyRow(server.db.read)).toEqual(before)
    },
  )

  test('no operation runs for nobody in particular', async () => {
    const stage = await newStage()
    for (const operation of operations) {
      const refused = await askFor(stage, operation, matrix[operation.route], { by: undefined })
      expect([operation.route, refused.status, refused.code]).toEqual([operation.route, 401, '4019000'])
    }
  })

  async function disable(user: TestUser | undefined) {
    await server.db.write(tx =>
      tx
        .updateTable('users')
        .set({ is_enabled: 0, epoch: 2 })
        .where('id', '=', user?.id ?? '')
        .execute(),
    )
  }
})
