import { afterAll, beforeAll, expect, test } from 'bun:test'
import { pathOf } from '../../src/surfaces/manage/operation.ts'
import { operations } from '../../src/surfaces/manage/surface.ts'
import { describeEngines } from '../databases.ts'
import { type ManageServer, startManageServer, type TestUser } from './server.ts'

/** Who asks: what is granted to a user on the repository or the organization before it asks. */
const askers = ['none', 'r1', 'r3', 'r7', 'o1', 'o3', 'o7', 'admin', 'foreign'] as const
type Asker = (typeof askers)[number]

const someRights = { repository: 'new', is_public: false }

/** What each asker is answered, in the order of `askers` (SWR user manual, "Permission Management"). */
const matrix: [call: string, body: (grantee: TestUser, granted: TestUser) => unknown, statuses: number[]][] = [
  ['GET', () => undefined, [404, 200, 200, 200, 200, 200, 200, 200, 404]],
  ['DELETE', () => undefined, [404, 403, 403, 403, 403, 403, 406, 406, 404]],
  ['GET /access', () => undefined, [404, 403, 403, 403, 200, 200, 200, 200, 404]],
  ['POST /access', user => [grantOf(user)], [404, 403, 403, 403, 403, 403, 201, 201, 404]],
  ['PATCH /access', (_, user) => [grantOf(user)], [404, 403, 403, 403, 403, 403, 201, 201, 404]],
  ['DELETE /access', (_, user) => [user.id], [404, 403, 403, 403, 403, 403, 204, 204, 404]],
  ['POST /repos', () => someRights, [404, 403, 403, 403, 403, 201, 201, 201, 404]],
  ['GET /repos/r', () => undefined, [404, 200, 200, 200, 200, 200, 200, 200, 404]],
  ['PATCH /repos/r', () => ({ description: 'x' }), [404, 403, 201, 201, 403, 201, 201, 201, 404]],
  ['DELETE /repos/r', () => undefined, [404, 403, 403, 204, 403, 403, 204, 204, 404]],
  ['GET /repos/r/access', () => undefined, [404, 200, 200, 200, 200, 200, 200, 200, 404]],
  ['POST /repos/r/access', user => [grantOf(user)], [404, 403, 403, 201, 403, 201, 201, 201, 404]],
  ['PATCH /repos/r/access', (_, user) => [grantOf(user)], [404, 403, 403, 201, 403, 201, 201, 201, 404]],
  ['DELETE /repos/r/access', (_, user) => [user.id], [404, 403, 403, 204, 403, 204, 204, 204, 404]],
  ['GET /repos/r/access-domains', () => undefined, [404, 200, 200, 200, 200, 200, 200, 200, 404]],
  ['POST /repos/r/access-domains', () => shareWith('OTC111'), [404, 403, 403, 201, 403, 403, 201, 201, 404]],
  ['GET /repos/r/access-domains/OTC222', () => undefined, [404, 200, 200, 200, 200, 200, 200, 200, 404]],
  ['PATCH /repos/r/access-domains/OTC222', () => shareWith(''), [404, 403, 403, 201, 403, 403, 201, 201, 404]],
  ['DELETE /repos/r/access-domains/OTC222', () => undefined, [404, 403, 403, 204, 403, 403, 204, 204, 404]],
]

const grantOf = (user: TestUser, auth = 1) => ({ user_id: user.id, user_name: user.name, auth })

const shareWith = (account: string) => ({ access_domain: account, permit: 'read', deadline: 'forever' })

describeEngines('rights in the management API', (_engine, open) => {
  let server: ManageServer
  let owner: TestUser
  let asker: TestUser
  let grantee: TestUser
  let granted: TestUser
  let administrator: TestUser
  let foreigner: TestUser

  beforeAll(async () => {
    server = await startManageServer(open)
    owner = await server.addUser('owner')
    asker = await server.addUser('asker')
    grantee = await server.addUser('grantee')
    granted = await server.addUser('granted')
    administrator = await server.addUser('admin', { isAdministrator: true })
    foreigner = await server.addUser('admin', { account: 'OTC111', isAdministrator: true })
    await server.addUser('admin', { account: 'OTC222', isAdministrator: true })
  })
  afterAll(() => server.stop())

  let round = 0
  /** A fresh organization with the repository `r`; answers its path. */
  async function makeOrganization(isPublic = false): Promise<string> {
    round += 1
    const at = `/v2/manage/namespaces/group${round}`
    await server.ask(owner, 'POST /v2/manage/namespaces', { namespace: `group${round}` })
    await server.ask(owner, `POST ${at}/repos`, { repository: 'r', is_public: isPublic })
    return at
  }

  async function userFor(who: Asker, at: string): Promise<TestUser> {
    if (who === 'admin') return administrator
    if (who === 'foreign') return foreigner
    if (who !== 'none') {
      const place = who.startsWith('o') ? at : `${at}/repos/r`
      const made = await server.ask(owner, `POST ${place}/access`, [grantOf(asker, Number(who.slice(1)))])
      expect(made.status).toBe(201)
    }
    return asker
  }

  test.each(matrix)('%s answers each level as the manual says', async (call, body, statuses) => {
    const [method = '', below = ''] = call.split(' ')
    const answers: string[] = []
    for (const who of askers) {
      const at = await makeOrganization()
      await server.ask(owner, `POST ${at}/access`, [grantOf(granted)])
      await server.ask(owner, `POST ${at}/repos/r/access`, [grantOf(granted)])
      await server.ask(owner, `POST ${at}/repos/r/access-domains`, shareWith('OTC222'))
      const user = await userFor(who, at)
      const { status } = await server.ask(user, `${method} ${at}${below}`, body(grantee, granted))
      answers.push(`${who} ${status}`)
    }
    expect(answers).toEqual(askers.map((who, index) => `${who} ${statuses[index]}`))
  })

  test('of two grants the higher counts', async () => {
    const at = await makeOrganization()
    await server.ask(owner, `POST ${at}/access`, [grantOf(asker, 3)])
    await server.ask(owner, `POST ${at}/repos/r/access`, [grantOf(asker, 1)])
    const { body } = await server.ask(asker, `GET ${at}/repos/r/access`)
    expect(body.self_auth.auth).toBe(3)
    await server.ask(owner, `PATCH ${at}/repos/r/access`, [grantOf(asker, 7)])
    expect((await server.ask(asker, `GET ${at}/repos/r/access`)).body.self_auth.auth).toBe(7)
  })

  test('a public repository is shown to its account and changed by who may', async () => {
    const at = await makeOrganization(true)
    expect((await server.ask(asker, `GET ${at}/repos/r`)).status).toBe(200)
    expect((await server.ask(asker, `PATCH ${at}/repos/r`, { is_public: false })).status).toBe(403)
    expect((await server.ask(asker, `DELETE ${at}/repos/r`)).status).toBe(403)
    expect((await server.ask(asker, `GET ${at}`)).status).toBe(404)
    expect((await server.ask(asker, `POST ${at}/repos`, someRights)).status).toBe(404)
  })

  test('a right that is taken back is gone with the next request', async () => {
    const at = await makeOrganization()
    await server.ask(owner, `POST ${at}/access`, [grantOf(asker, 7)])
    expect((await server.ask(asker, `GET ${at}`)).status).toBe(200)
    await server.ask(owner, `DELETE ${at}/access`, [asker.id])
    expect((await server.ask(asker, `GET ${at}`)).status).toBe(404)
  })

  test('a user who is disabled is 401 with the next request', async () => {
    const leaver = await server.addUser('leaver')
    expect((await server.ask(leaver, 'GET /v2/manage/namespaces')).status).toBe(200)
    await server.db.write(tx =>
      tx.updateTable('users').set({ is_enabled: 0, epoch: 2 }).where('id', '=', leaver.id).execute(),
    )
    for (const path of ['/v2/manage/namespaces', '/v2/manage/repos']) {
      expect((await server.ask(leaver, `GET ${path}`)).code).toBe('4010000')
    }
  })

  const bodies: Record<string, unknown> = {
    'organization.grant': [{ user_id: '0'.repeat(32), user_name: 'x', auth: 7 }],
    'organization.change-grants': [{ user_id: '0'.repeat(32), user_name: 'x', auth: 7 }],
    'organization.revoke': ['0'.repeat(32)],
    'repository.grant': [{ user_id: '0'.repeat(32), user_name: 'x', auth: 7 }],
    'repository.change-grants': [{ user_id: '0'.repeat(32), user_name: 'x', auth: 7 }],
    'repository.revoke': ['0'.repeat(32)],
    'repository.create': someRights,
    'repository.update': { is_public: true },
    'repository.share': shareWith('OTC222'),
    'repository.change-share': shareWith('OTC222'),
  }
  const named = operations.filter(operation => operation.path.includes(':organization'))

  test.each(named.map(operation => [operation.route, operation] as const))(
    '%s on another account’s things is answered as on nothing at all, and changes nothing',
    async (route, operation) => {
      const at = await makeOrganization()
      const call = (organization: string) =>
        `${operation.method} ${pathOf(operation).replace(':organization', organization).replace(':repository', 'r')}`
      const organization = at.split('/').at(-1) ?? ''
      const before = await everything()
      const [theirs, nothing] = [
        await server.ask(foreigner, call(organization), bodies[route]),
        await server.ask(foreigner, call('nowhere'), bodies[route]),
      ]
      expect([theirs.status, theirs.code]).toEqual([404, '4040058'])
      const blank = (answer: typeof theirs, name: string) =>
        answer.text.replaceAll(answer.body.request_id, '*').replaceAll(name, '*')
      expect(blank(theirs, organization)).toBe(blank(nothing, 'nowhere'))
      expect(await everything()).toEqual(before)
    },
  )

  test('no operation runs for nobody in particular', async () => {
    for (const operation of operations) {
      const call = pathOf(operation).replace(':organization', 'group1').replace(':repository', 'r')
      const refused = await server.ask(undefined, `${operation.method} ${call}`)
      expect([call, refused.status, refused.code]).toEqual([call, 401, '4019000'])
    }
  })

  /** Every row that a management call could change. */
  async function everything() {
    const { read } = server.db
    return [
      await read.selectFrom('organizations').selectAll().orderBy('id').execute(),
      await read.selectFrom('organization_grants').selectAll().orderBy('organization_id').orderBy('user_id').execute(),
      await read.selectFrom('repositories').selectAll().orderBy('id').execute(),
      await read.selectFrom('repository_descriptions').selectAll().orderBy('repository_id').execute(),
      await read.selectFrom('repository_grants').selectAll().orderBy('repository_id').orderBy('user_id').execute(),
      await read.selectFrom('repository_shares').selectAll().orderBy('repository_id').orderBy('account_id').execute(),
      await read.selectFrom('events').selectAll().orderBy('id').execute(),
      await read.selectFrom('total_deltas').selectAll().orderBy('id').execute(),
      await read.selectFrom('jobs').selectAll().orderBy('id').execute(),
    ]
  }
})
