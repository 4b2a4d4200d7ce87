import { afterAll, beforeAll, expect, test } from 'bun:test'
import { repositoryV3ListView } from '../../src/protocol/manage/repositories-v3.ts'
import { describeEngines } from '../databases.ts'
import { type ManageServer, startManageServer, type TestUser } from './server.ts'

describeEngines('the list of image repositories by version 3', (_engine, open) => {
  let server: ManageServer
  let administrator: TestUser
  let owner: TestUser
  let reader: TestUser
  let foreigner: TestUser

  /** In the order by organization and name. */
  const all = ['one/alpha', 'one/beta_x', 'one/nested/deep', 'two/alpha', 'two/gamma']

  beforeAll(async () => {
    server = await startManageServer(open)
    administrator = await server.addUser('admin', { isAdministrator: true })
    owner = await server.addUser('owner')
    reader = await server.addUser('reader')
    foreigner = await server.addUser('admin', { account: 'OTC111', isAdministrator: true })
    for (const namespace of ['one', 'two']) await server.ask(owner, 'POST /v2/manage/namespaces', { namespace })
    for (const path of all.toReversed()) {
      const [namespace, ...name] = path.split('/')
      const settings = path === 'two/alpha' ? { category: 'linux', description: 'text' } : {}
      const body = { repository: name.join('/'), is_public: path === 'one/beta_x', ...settings }
      await server.ask(owner, `POST /v2/manage/namespaces/${namespace}/repos`, body)
    }
    await server.ask(owner, 'POST /v2/manage/namespaces/two/access', [
      { user_id: reader.id, user_name: 'reader', auth: 1 },
    ])
  })
  afterAll(() => server.stop())

  async function list(user: TestUser, query = '', prefix = '') {
    const listed = await server.ask(user, `GET ${prefix}/v3/manage/repos${query}`)
    expect([listed.status, listed.headers.get('content-type')]).toEqual([200, 'application/json'])
    const view = repositoryV3ListView.strict().parse(listed.body)
    return { ...view, paths: view.repos.map(item => `${item.namespace_name}/${item.name}`), text: listed.text }
  }

  test('an entry has every field of the contract, and the last page no marker at all', async () => {
    const { repos, text } = await list(owner, '?namespace=two&name=alpha')
    const [item] = repos
    expect(JSON.parse(text)).toEqual({
      repos: [
        {
          ...{ id: item?.id, name: 'alpha', category: 'linux', description: 'text', size: 0, is_public: false },
          ...{ num_images: 0, num_download: 0, created_at: item?.created_at, updated_at: item?.created_at },
          ...{ domain_name: 'OTC000', namespace_name: 'two', status: false },
        },
      ],
    })
    expect((await list(foreigner)).text).toBe('{"repos":[]}')
  })

  test('shows what grants show, also below /swr-api', async () => {
    expect((await list(administrator)).paths).toEqual(all)
    expect((await list(owner, '', '/swr-api')).paths).toEqual(all)
    expect((await list(reader)).paths).toEqual(['two/alpha', 'two/gamma'])
  })

  test.each([1, 2, 5, 1000])('pages of %i follow each other by nextMarker, and the last one ends them', async limit => {
    const seen: string[] = []
    for (let marker = '&marker=0'; ; ) {
      const { paths, nextMarker } = await list(owner, `?limit=${limit}${marker}`)
      seen.push(...paths)
      if (nextMarker === undefined) break
      expect(paths).toHaveLength(limit)
      marker = `&marker=${nextMarker}`
    }
    expect(seen).toEqual(all)
  })

  test.each([
    ['?namespace=one', ['one/alpha', 'one/beta_x', 'one/nested/deep']],
    ['?namespace=on', []],
    ['?name=beta_', ['one/beta_x']],
    ['?name=nested$d', ['one/nested/deep']],
    ['?category=linux', ['two/alpha']],
    ['?is_public=true', ['one/beta_x']],
    ['?is_public=false&name=alpha&limit=1', ['one/alpha']],
  ])('%s finds %j', async (query, paths) => {
    expect((await list(owner, query)).paths).toEqual(paths)
  })

  test('a marker that names nothing the caller sees is 400, so that no part is taken for the whole', async () => {
    const { nextMarker } = await list(owner, '?limit=1')
    const gone = (await list(owner, '?name=gamma')).repos[0]?.id
    await server.ask(owner, 'DELETE /v2/manage/namespaces/two/repos/gamma')
    for (const [user, marker] of [
      [owner, gone],
      [owner, 999_999],
      [foreigner, nextMarker],
    ] as const) {
      const refused = await server.ask(user, `GET /v3/manage/repos?marker=${marker}`)
      expect([refused.status, refused.code]).toEqual([400, '4000056'])
    }
    await server.ask(owner, 'POST /v2/manage/namespaces/two/repos', { repository: 'gamma', is_public: false })
  })

  test.each([
    ['limit=0', '4000056'],
    ['limit=1001', '4000056'],
    ['marker=x', '4000056'],
    ['marker=-1', '4000056'],
    ['is_public=yes', '4001009'],
    ['category=toys', '4000014'],
  ])('%s is 400 %s', async (query, code) => {
    const refused = await server.ask(owner, `GET /v3/manage/repos?${query}`)
    expect([refused.status, refused.code]).toEqual([400, code])
  })

  test('other paths and methods of version 3 are answered as those of version 2', async () => {
    const unknown = await server.ask(owner, 'GET /v3/manage/namespaces')
    expect([unknown.status, unknown.code]).toEqual([404, '4040083'])
    const refused = await server.ask(owner, 'POST /v3/manage/repos', {})
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET'])
    expect((await server.ask(undefined, 'GET /v3/manage/repos')).status).toBe(401)
  })
})
