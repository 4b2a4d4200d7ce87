import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test'
import { repositoryView } from '../../src/protocol/manage/repositories.ts'
import { describeEngines } from '../databases.ts'
import { type ManageServer, startManageServer, type TestUser } from './server.ts'

describeEngines('image repositories', (_engine, open) => {
  let server: ManageServer
  let owner: TestUser
  let editor: TestUser
  let group: string
  let repos: string

  beforeAll(async () => {
    server = await startManageServer(open)
    owner = await server.addUser('owner')
    editor = await server.addUser('editor')
  })
  afterAll(() => server.stop())

  let round = 0
  beforeEach(async () => {
    round += 1
    group = `group${round}`
    repos = `/v2/manage/namespaces/${group}/repos`
    await server.ask(owner, 'POST /v2/manage/namespaces', { namespace: group })
  })

  const make = (repository: string, settings: object = {}) =>
    server.ask(owner, `POST ${repos}`, { repository, is_public: false, ...settings })
  const show = async (path: string) => (await server.ask(owner, `GET ${repos}/${path}`)).body

  test('details have every field of the contract', async () => {
    await make('a/b', { category: 'database', description: 'x' })
    const shown = await server.ask(owner, `GET ${repos}/a$b`)
    expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'application/json'])
    const view = repositoryView.strict().parse(shown.body)
    const organization = await server.ask(owner, `GET /v2/manage/namespaces/${group}`)
    expect(view).toEqual({
      ...{ id: view.id, ns_id: organization.body.id, name: 'a/b', category: 'database', description: 'x' },
      ...{ creator_id: owner.id, creator_name: 'owner', size: 0, is_public: false, num_images: 0 },
      ...{ num_download: 0, num_downloads: 0, url: '', priority: 0, domain_id: owner.accountId },
      ...{ path: `swr.example.org/${group}/a/b`, internal_path: `swr.example.org/${group}/a/b` },
      ...{ created: view.created, updated: view.created },
    })
    expect(Math.abs(Date.parse(view.created) - Date.now())).toBeLessThan(60_000)
    expect(view.created).toEndWith('Z')
  })

  test('size, tags and downloads are what was counted', async () => {
    await make('r')
    const { id } = await show('r')
    await server.db.write(async tx => {
      await tx
        .insertInto('totals')
        .values({ owner: `repository:${id}`, metric: 'bytes', value: 1000 })
        .execute()
      await tx
        .insertInto('total_deltas')
        .values({ owner: `repository:${id}`, metric: 'bytes', delta: 24 })
        .execute()
      await tx
        .insertInto('total_deltas')
        .values({ owner: `repository:${id}`, metric: 'tags', delta: 3 })
        .execute()
      await tx
        .insertInto('total_deltas')
        .values({ owner: `repository:${id}`, metric: 'pulls', delta: 10 })
        .execute()
    })
    expect(await show('r')).toMatchObject({ size: 1024, num_images: 3, num_download: 10, num_downloads: 10 })
  })

  test('a slash of the name is $, %24 or %2F in the path, and never a segment of its own', async () => {
    await make('one/two/three')
    for (const path of ['one$two$three', 'one%24two%24three', 'one%2Ftwo%2fthree', 'one$two%2Fthree']) {
      expect((await show(path)).name).toBe('one/two/three')
    }
    const raw = await server.ask(owner, `GET ${repos}/one/two/three`)
    expect([raw.status, raw.code]).toEqual([404, '4040083'])
    const twice = await server.ask(owner, `GET ${repos}/one%2524two`)
    expect([twice.status, twice.code]).toEqual([400, '4001029'])
  })

  test('one that is not there is 404 4040010', async () => {
    for (const call of ['GET', 'DELETE', 'PATCH']) {
      const missing = await server.ask(owner, `${call} ${repos}/nothing`, call === 'PATCH' ? {} : undefined)
      expect([missing.status, missing.code]).toEqual([404, '4040010'])
    }
  })

  test('an update answers 201 {} and changes what it names', async () => {
    await make('r', { category: 'linux', description: 'old' })
    const before = await show('r')
    server.clock.passMs(1500)
    const updated = await server.ask(owner, `PATCH ${repos}/r`, {
      is_public: true,
      category: 'lang',
      description: 'new',
    })
    expect([updated.status, updated.text, updated.headers.get('content-type')]).toEqual([201, '{}', 'application/json'])
    const after = await show('r')
    expect(after).toEqual({ ...before, is_public: true, category: 'lang', description: 'new', updated: after.updated })
    expect(Date.parse(after.updated)).toBeGreaterThan(Date.parse(before.updated))
  })

  test.each([
    ['is_public', { is_public: true }],
    ['category', { category: 'windows' }],
    ['description', { description: 'new' }],
    ['an empty category', { category: '' }],
    ['an empty description', { description: '' }],
  ])('an update of %s alone leaves the rest', async (_what, change) => {
    await make('r', { category: 'linux', description: 'old' })
    const before = await show('r')
    expect((await server.ask(owner, `PATCH ${repos}/r`, change)).status).toBe(201)
    const { updated: _before, ...rest } = { ...before, ...change }
    const { updated: _after, ...shown } = await show('r')
    expect(shown).toEqual(rest)
  })

  test('an update of nothing, of null and of what nobody knows is 201 and changes nothing', async () => {
    await make('r', { category: 'linux', description: 'old' })
    const before = await show('r')
    for (const body of [{}, { is_public: null, description: null }, { repository: 'other', creator_name: 'x' }]) {
      expect((await server.ask(owner, `PATCH ${repos}/r`, body)).status).toBe(201)
    }
    expect(await show('r')).toEqual(before)
  })

  test('an update can be a form', async () => {
    await make('r', { description: 'old' })
    const form = new FormData()
    form.set('is_public', 'true')
    expect((await server.ask(owner, `PATCH ${repos}/r`, form)).status).toBe(201)
    expect(await show('r')).toMatchObject({ is_public: true, description: 'old' })
  })

  test.each([
    [{ is_public: 'yes' }, '4001009'],
    [{ category: 'toys' }, '4000014'],
    [{ description: 1 }, '4000014'],
    [[], '4000014'],
  ])('an update with %j is 400 and changes nothing', async (body, code) => {
    await make('r')
    const before = await show('r')
    const refused = await server.ask(owner, `PATCH ${repos}/r`, body)
    expect([refused.status, refused.code]).toEqual([400, code])
    expect(await show('r')).toEqual(before)
  })

  test('an update with too long a description is 413', async () => {
    await make('r')
    const refused = await server.ask(owner, `PATCH ${repos}/r`, { description: 'x'.repeat(30_001) })
    expect([refused.status, refused.code]).toEqual([413, '4131012'])
  })

  test('deleting one is 204, frees its name and leaves its remains to a job', async () => {
    await make('r', { description: 'first' })
    const { id } = await show('r')
    await server.ask(owner, `POST ${repos}/r/access`, [{ user_id: editor.id, user_name: 'editor', auth: 7 }])
    const deleted = await server.ask(owner, `DELETE ${repos}/r`)
    expect([deleted.status, deleted.text]).toEqual([204, ''])
    expect((await server.ask(owner, `GET ${repos}/r`)).status).toBe(404)
    expect((await server.ask(editor, `GET /v2/manage/namespaces/${group}`)).status).toBe(404)
    const jobs = await server.db.read
      .selectFrom('jobs')
      .selectAll()
      .where('kind', '=', 'repository.purge')
      .where('subject', '=', String(id))
      .execute()
    expect(jobs).toHaveLength(1)
    expect(JSON.parse(jobs[0]?.payload ?? '')).toMatchObject({ accountId: owner.accountId })
    expect((await make('r')).status).toBe(201)
    const reborn = await show('r')
    expect(reborn.id).toBeGreaterThan(id)
    expect(reborn.description).toBe('')
    expect((await server.ask(editor, `GET ${repos}/r`)).status).toBe(404)
  })

  test('of two deletes at once one is 204 and one 404, and the count goes down by one', async () => {
    await make('a')
    await make('b')
    const answers = await Promise.all([1, 2].map(() => server.ask(owner, `DELETE ${repos}/a`)))
    expect(answers.map(answer => answer.status).sort()).toEqual([204, 404])
    expect((await server.ask(owner, `GET /v2/manage/namespaces/${group}`)).body.repo_count).toBe(1)
  })

  test('who makes one in an organization that others manage manages it', async () => {
    await server.ask(owner, `POST /v2/manage/namespaces/${group}/access`, [
      { user_id: editor.id, user_name: 'editor', auth: 3 },
    ])
    await make('of-owner')
    await server.ask(editor, `POST ${repos}`, { repository: 'of-editor', is_public: false })
    expect((await server.ask(editor, `DELETE ${repos}/of-owner`)).code).toBe('4037018')
    const grants = await server.ask(editor, `GET ${repos}/of-editor/access`)
    expect(grants.body.self_auth).toEqual({ user_id: editor.id, user_name: 'editor', auth: 7 })
    expect((await server.ask(editor, `DELETE ${repos}/of-editor`)).status).toBe(204)
  })

  test('every change is told by one event', async () => {
    const made = await make('r')
    const changed = await server.ask(owner, `PATCH ${repos}/r`, { is_public: true })
    const deleted = await server.ask(owner, `DELETE ${repos}/r`)
    const ids = [made, changed, deleted].map(answer => answer.headers.get('x-request-id') ?? '')
    const events = await server.db.read
      .selectFrom('events')
      .select(['kind', 'repository_id', 'actor_id'])
      .where('request_id', 'in', ids)
      .orderBy('id')
      .execute()
    expect(events.map(event => event.kind)).toEqual(['repository.created', 'repository.updated', 'repository.deleted'])
    expect(new Set(events.map(event => event.repository_id)).size).toBe(1)
    expect(new Set(events.map(event => event.actor_id))).toEqual(new Set([owner.id]))
  })
})
