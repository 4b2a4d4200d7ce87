import { afterAll, beforeAll, expect, test } from 'bun:test'
import { foldTotals } from '../../src/core/totals.ts'
import { organizationListView, organizationView } from '../../src/protocol/manage/organizations.ts'
import { describeEngines } from '../databases.ts'
import { type ManageServer, startManageServer, type TestUser } from './server.ts'

const namespaces = '/v2/manage/namespaces'

describeEngines('organizations', (_engine, open) => {
  let server: ManageServer
  let administrator: TestUser
  let owner: TestUser
  let other: TestUser
  let foreigner: TestUser

  beforeAll(async () => {
    server = await startManageServer(open)
    administrator = await server.addUser('admin', { isAdministrator: true })
    owner = await server.addUser('owner')
    other = await server.addUser('other')
    foreigner = await server.addUser('admin', { account: 'OTC111', isAdministrator: true })
  })
  afterAll(() => server.stop())

  const make = (user: TestUser, namespace: string) => server.ask(user, `POST ${namespaces}`, { namespace })

  async function namesFor(user: TestUser, query = ''): Promise<string[]> {
    const listed = await server.ask(user, `GET ${namespaces}${query}`)
    expect(listed.status).toBe(200)
    return organizationListView.parse(listed.body).namespaces.map(organization => organization.name)
  }

  test('creating one is answered 201 {} and gives its creator all rights', async () => {
    const made = await make(owner, 'group')
    expect([made.status, made.text, made.headers.get('content-type')]).toEqual([201, '{}', 'application/json'])
    const shown = await server.ask(owner, `GET ${namespaces}/group`)
    expect(shown.status).toBe(200)
    expect(organizationView.strict().parse(shown.body)).toEqual({
      ...{ id: shown.body.id, name: 'group', creator_name: 'owner', auth: 7 },
      ...{ access_user_count: 1, repo_count: 0 },
    })
    await server.ask(owner, `DELETE ${namespaces}/group`)
  })

  test.each([
    ['1-start-with-number', 'starts with a lowercase letter'],
    ['end-with-2-dot.', 'ends with a lowercase letter or digit'],
    ['biGger-3-one', 'holds "G"'],
    ['dev___ops', 'at most two underscores'],
    ['dev..ops', '".."'],
    ['dev.-ops', '".-"'],
    ['dev._ops', '"._"'],
    ['dev-', 'ends with'],
    ['-dev', 'starts with'],
    ['MyOrg', 'holds "M"'],
    ['my org', 'holds U+0020'],
    ['my/org', 'holds "/"'],
    ['', '1 to 64 characters'],
    ['x'.repeat(65), 'this one has 65'],
    ['library', 'reserved'],
    ['manage', 'reserved'],
    ['_oci', 'starts with'],
  ])('the name %p is refused with 4001028 and the rule it breaks', async (namespace, rule) => {
    const refused = await make(owner, namespace)
    expect([refused.status, refused.code]).toEqual([400, '4001028'])
    expect(refused.detail).toContain(rule)
  })

  test.each(['a', 'a1', 'my-org', 'my.org', 'my_org', 'my__org', 'my--org', 'x'.repeat(64)])(
    'the name %s is taken',
    async namespace => {
      expect((await make(owner, namespace)).status).toBe(201)
      expect((await server.ask(owner, `DELETE ${namespaces}/${namespace}`)).status).toBe(204)
    },
  )

  test.each([
    ['no name', {}, '4001014'],
    ['a number', { namespace: 1 }, '4001028'],
    ['an array', ['group'], '4000014'],
    ['no JSON', '{', '4001018'],
  ])('a body with %s is 400', async (_what, body, code) => {
    const refused = await server.ask(owner, `POST ${namespaces}`, body, { 'content-type': 'application/json' })
    expect([refused.status, refused.code]).toEqual([400, code])
  })

  test('a form is no way to create an organization', async () => {
    const form = new FormData()
    form.set('namespace', 'group')
    const refused = await server.ask(owner, `POST ${namespaces}`, form)
    expect([refused.status, refused.code]).toEqual([400, '4001018'])
  })

  test('a name that is taken is 409, also for another account', async () => {
    await make(owner, 'taken')
    for (const user of [owner, foreigner]) {
      const refused = await make(user, 'taken')
      expect([refused.status, refused.code]).toEqual([409, '4090060'])
    }
    await server.ask(owner, `DELETE ${namespaces}/taken`)
  })

  test('of 50 creates of one name at once exactly one is 201 and 49 are 409', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => make(owner, 'race')))
    expect(answers.map(answer => answer.status).sort()).toEqual([201, ...Array.from({ length: 49 }, () => 409)])
    await server.ask(owner, `DELETE ${namespaces}/race`)
  })

  test('the list has what is granted, with mode::visible also what holds a granted repository, by name', async () => {
    await make(owner, 'list-b')
    await make(owner, 'list-a')
    await make(foreigner, 'list-foreign')
    await server.ask(owner, `POST ${namespaces}/list-a/repos`, { repository: 'r', is_public: true })
    await server.ask(owner, `POST ${namespaces}/list-b/access`, [{ user_id: other.id, user_name: 'other', auth: 3 }])
    await server.ask(owner, `POST ${namespaces}/list-a/repos/r/access`, [
      { user_id: other.id, user_name: 'other', auth: 1 },
    ])
    expect(await namesFor(owner)).toEqual(['list-a', 'list-b'])
    expect(await namesFor(administrator)).toEqual(['list-a', 'list-b'])
    expect(await namesFor(foreigner)).toEqual(['list-foreign'])
    expect(await namesFor(other)).toEqual(['list-b'])
    expect(await namesFor(other, '?filter=mode::visible')).toEqual(['list-a', 'list-b'])
    expect(await namesFor(other, '?filter=mode%3A%3Avisible%7Cnamespace%3A%3Alist-a')).toEqual(['list-a'])
    expect(await namesFor(owner, '?namespace=list-b')).toEqual(['list-b'])
    expect(await namesFor(owner, '?namespace=list')).toEqual([])
    const { body } = await server.ask(other, `GET ${namespaces}?filter=mode::visible`)
    expect(body.namespaces).toMatchObject([
      { name: 'list-a', auth: 1, repo_count: 1, access_user_count: 1 },
      { name: 'list-b', auth: 3, repo_count: 0, access_user_count: 2 },
    ])
    expect((await server.ask(other, `GET ${namespaces}/list-a`)).body.auth).toBe(1)
  })

  test.each([
    ['?filter=owner::me', '4001035'],
    ['?filter=visible', '4001035'],
    ['?filter=mode::all', '4000014'],
    ['?namespace=%00', '4001035'],
  ])('the list with %s is 400', async (query, code) => {
    const refused = await server.ask(owner, `GET ${namespaces}${query}`)
    expect([refused.status, refused.code]).toEqual([400, code])
  })

  test('an account without organizations lists []', async () => {
    const lonely = await server.addUser('lonely', { account: 'OTC222' })
    expect((await server.ask(lonely, `GET ${namespaces}`)).text).toBe('{"namespaces":[]}')
  })

  test('deleting one is 204 without a body, and it is gone', async () => {
    await make(owner, 'short')
    const deleted = await server.ask(owner, `DELETE ${namespaces}/short`)
    expect([deleted.status, deleted.text]).toEqual([204, ''])
    const missing = await server.ask(owner, `GET ${namespaces}/short`)
    expect([missing.status, missing.code]).toEqual([404, '4040058'])
    expect((await server.ask(owner, `DELETE ${namespaces}/short`)).status).toBe(404)
  })

  test('one that holds repositories is 406, and stays', async () => {
    await make(owner, 'full')
    await server.ask(owner, `POST ${namespaces}/full/repos`, { repository: 'r', is_public: false })
    const refused = await server.ask(owner, `DELETE ${namespaces}/full`)
    expect([refused.status, refused.code]).toEqual([406, '4060074'])
    expect((await server.ask(owner, `GET ${namespaces}/full`)).body.repo_count).toBe(1)
  })

  test('one whose repositories were all deleted is deleted at once, whatever they still hold', async () => {
    await make(owner, 'emptied')
    await server.ask(owner, `POST ${namespaces}/emptied/repos`, { repository: 'r', is_public: false })
    await server.ask(owner, `DELETE ${namespaces}/emptied/repos/r`)
    expect((await server.ask(owner, `DELETE ${namespaces}/emptied`)).status).toBe(204)
    expect((await server.ask(owner, `GET ${namespaces}/emptied`)).status).toBe(404)
  })

  test('nothing that was counted of it stays, folded or not', async () => {
    const counted = async () => {
      const base = server.db.read.selectFrom('totals').select('owner').where('owner', 'like', 'organization:%')
      const deltas = server.db.read.selectFrom('total_deltas').select('owner').where('owner', 'like', 'organization:%')
      return [...(await base.execute()), ...(await deltas.execute())].map(({ owner }) => owner)
    }
    const before = new Set(await counted())
    await make(owner, 'counted')
    await server.ask(owner, `POST ${namespaces}/counted/repos`, { repository: 'r', is_public: false })
    await server.db.write(tx => foldTotals(tx, 10_000))
    await server.ask(owner, `DELETE ${namespaces}/counted/repos/r`)
    expect((await counted()).filter(each => !before.has(each))).toHaveLength(2)
    expect((await server.ask(owner, `DELETE ${namespaces}/counted`)).status).toBe(204)
    expect((await counted()).filter(each => !before.has(each))).toEqual([])
  })

  test('a name that is made again inherits no rights', async () => {
    await make(owner, 'reborn')
    await server.ask(owner, `POST ${namespaces}/reborn/access`, [{ user_id: other.id, user_name: 'other', auth: 7 }])
    expect((await server.ask(other, `GET ${namespaces}/reborn`)).status).toBe(200)
    await server.ask(owner, `DELETE ${namespaces}/reborn`)
    await make(owner, 'reborn')
    expect((await server.ask(other, `GET ${namespaces}/reborn`)).status).toBe(404)
  })

  test('creating repositories while the organization is deleted leaves none without it', async () => {
    for (let round = 0; round < 10; round++) {
      await make(owner, 'contested')
      const create = () =>
        server.ask(owner, `POST ${namespaces}/contested/repos`, { repository: 'r', is_public: false })
      const [made, deleted] = await Promise.all([create(), server.ask(owner, `DELETE ${namespaces}/contested`)])
      expect(['201 406', '404 204']).toContain(`${made.status} ${deleted.status}`)
      if (made.status === 201) return
    }
  })

  test('every change is told by one event', async () => {
    const made = await make(owner, 'told')
    const deleted = await server.ask(owner, `DELETE ${namespaces}/told`)
    const ids = [made, deleted].map(answer => answer.headers.get('x-request-id') ?? '')
    const events = await server.db.read
      .selectFrom('events')
      .select(['kind', 'actor_name', 'detail', 'account_id'])
      .where('request_id', 'in', ids)
      .orderBy('id')
      .execute()
    const told = { actor_name: 'owner', detail: '{"organization":"told"}', account_id: owner.accountId }
    expect(events).toEqual([
      { kind: 'organization.created', ...told },
      { kind: 'organization.deleted', ...told },
    ])
  })
})
