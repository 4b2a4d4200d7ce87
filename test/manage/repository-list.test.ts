import { afterAll, beforeAll, expect, test } from 'bun:test'
import { z } from 'zod'
import { repositoryListItem } from '../../src/protocol/manage/repositories.ts'
import { describeEngines } from '../databases.ts'
import { type ManageServer, startManageServer, type TestUser } from './server.ts'

const listBody = z.array(repositoryListItem.strict())

describeEngines('the list of image repositories', (_engine, open) => {
  let server: ManageServer
  let administrator: TestUser
  let owner: TestUser
  let reader: TestUser
  let foreigner: TestUser

  /** In the order by organization and name. */
  const all = ['one/alpha', 'one/beta_x', 'one/betaax', 'one/nested/deep', 'two/alpha', 'two/gamma']

  beforeAll(async () => {
    server = await startManageServer(open)
    administrator = await server.addUser('admin', { isAdministrator: true })
    owner = await server.addUser('owner')
    reader = await server.addUser('reader')
    foreigner = await server.addUser('admin', { account: 'OTC111', isAdministrator: true })
    for (const [user, namespace] of [
      [owner, 'one'],
      [owner, 'two'],
      [foreigner, 'zero'],
    ] as const) {
      await server.ask(user, 'POST /v2/manage/namespaces', { namespace })
    }
    const settings: Record<string, object> = {
      'one/beta_x': { category: 'linux', is_public: true },
      'two/alpha': { category: 'linux', description: 'text' },
    }
    for (const path of ['two/gamma', 'two/alpha', 'one/nested/deep', 'one/betaax', 'one/beta_x', 'one/alpha']) {
      const [namespace, ...name] = path.split('/')
      server.clock.passMs(1000)
      const body = { repository: name.join('/'), is_public: false, ...settings[path] }
      await server.ask(owner, `POST /v2/manage/namespaces/${namespace}/repos`, body)
    }
    await server.ask(foreigner, 'POST /v2/manage/namespaces/zero/repos', { repository: 'alpha', is_public: true })
    await server.ask(owner, 'POST /v2/manage/namespaces/two/access', [
      { user_id: reader.id, user_name: 'reader', auth: 1 },
    ])
    for (const path of ['one/repos/alpha', 'two/repos/alpha']) {
      await server.ask(owner, `POST /v2/manage/namespaces/${path}/access`, [
        { user_id: reader.id, user_name: 'reader', auth: 3 },
      ])
    }
  })
  afterAll(() => server.stop())

  async function list(user: TestUser, query = '') {
    const listed = await server.ask(user, `GET /v2/manage/repos${query}`)
    expect(listed.status).toBe(200)
    const items = listBody.parse(listed.body)
    return {
      items,
      paths: items.map(item => `${item.namespace}/${item.name}`),
      range: listed.headers.get('content-range'),
      text: listed.text,
    }
  }

  test('is a bare array with every field of the contract and the exact number of matches', async () => {
    const { items, range } = await list(owner, '?namespace=two&name=alpha')
    const [item] = items
    expect(items).toEqual([
      {
        ...{ id: item?.id ?? 0, name: 'alpha', category: 'linux', description: 'text', size: 0, is_public: false },
        ...{ num_images: 0, num_download: 0, created_at: item?.created_at ?? '', updated_at: item?.created_at ?? '' },
        ...{ logo: '', url: '', path: 'swr.example.org/two/alpha', internal_path: 'swr.example.org/two/alpha' },
        ...{ domain_name: 'OTC000', namespace: 'two', tags: [], status: false, total_range: 1 },
      },
    ])
    expect(range).toBe('0-1/1')
  })

  test('shows what grants show: an account to its administrator, nothing of another account', async () => {
    expect((await list(administrator)).paths).toEqual(all)
    expect((await list(owner)).paths).toEqual(all)
    expect((await list(reader)).paths).toEqual(['one/alpha', 'two/alpha', 'two/gamma'])
    expect((await list(foreigner)).paths).toEqual(['zero/alpha'])
    expect((await list(foreigner, '?namespace=one')).text).toBe('[]')
  })

  test('counts for everyone what that one sees, however it is asked', async () => {
    for (const [user, query, total] of [
      [administrator, '', 6],
      [administrator, '?namespace=one', 4],
      [administrator, '?namespace=nowhere', 0],
      [administrator, '?name=alpha', 2],
      [owner, '', 6],
      [reader, '', 3],
      [reader, '?namespace=one', 1],
      [reader, '?namespace=two', 2],
      [reader, '?name=alpha', 2],
      [reader, '?category=linux', 1],
      [foreigner, '', 1],
    ] as const) {
      const { items, range } = await list(user, query)
      expect([query, range]).toEqual([query, `0-${items.length}/${total}`])
      expect(items.every(item => item.total_range === total)).toBe(true)
      expect(items).toHaveLength(total)
    }
  })

  test('counts right after a deletion', async () => {
    await server.ask(owner, 'POST /v2/manage/namespaces/one/repos', { repository: 'short', is_public: false })
    expect((await list(administrator)).range).toBe('0-7/7')
    await server.ask(owner, 'DELETE /v2/manage/namespaces/one/repos/short')
    expect((await list(administrator)).range).toBe('0-6/6')
    expect((await list(administrator, '?namespace=one&name=a')).range).toBe('0-3/3')
  })

  test('pages by limit and offset until it is empty, with the total on every page', async () => {
    const seen: string[] = []
    for (let offset = 0; ; offset += 4) {
      const { paths, items, range } = await list(owner, `?limit=4&offset=${offset}`)
      expect(range).toBe(`${offset}-${items.length}/6`)
      if (paths.length === 0) break
      expect(items.every(item => item.total_range === 6)).toBe(true)
      seen.push(...paths)
    }
    expect(seen).toEqual(all)
  })

  test('goes on after the last id, as openstacksdk asks', async () => {
    const seen: string[] = []
    for (let marker = ''; ; ) {
      const { paths, items } = await list(owner, `?limit=2${marker}`)
      const last = items.at(-1)
      if (!last) break
      seen.push(...paths)
      marker = `&marker=${last.id}`
    }
    expect(seen).toEqual(all)
    const [foreign] = (await list(foreigner)).items
    expect((await list(owner, `?marker=${foreign?.id}`)).text).toBe('[]')
  })

  test.each([
    ['?namespace=one', ['one/alpha', 'one/beta_x', 'one/betaax', 'one/nested/deep']],
    ['?namespace=on', []],
    ['?filter=namespace::on', ['one/alpha', 'one/beta_x', 'one/betaax', 'one/nested/deep']],
    ['?name=beta', ['one/beta_x', 'one/betaax']],
    ['?name=beta_', ['one/beta_x']],
    ['?name=%25', []],
    ['?name=BETA', []],
    ['?name=nested$d', ['one/nested/deep']],
    ['?name=nested%2Fd', ['one/nested/deep']],
    ['?filter=name::nested$d', ['one/nested/deep']],
    ['?category=linux', ['one/beta_x', 'two/alpha']],
    ['?is_public=true', ['one/beta_x']],
    ['?is_public=false&namespace=two', ['two/alpha', 'two/gamma']],
    ['?center=self&namespace=two', ['two/alpha', 'two/gamma']],
    ['?filter=center::self|namespace::two|name::gam', ['two/gamma']],
    ['?filter=namespace%3A%3Atwo%7Cname%3A%3Aalpha', ['two/alpha']],
    ['?filter=limit::1|offset::1', ['one/beta_x']],
    ['?name=gamma&filter=name::alpha|namespace::two', ['two/alpha']],
    ['?filter=name::|namespace::two', ['two/alpha', 'two/gamma']],
    ['?whatever=1&namespace=two', ['two/alpha', 'two/gamma']],
  ])('%s finds %j', async (query, paths) => {
    expect((await list(owner, query)).paths).toEqual(paths)
  })

  test.each([
    ['order_column=name', ['one/alpha', 'two/alpha', 'one/beta_x', 'one/betaax', 'two/gamma', 'one/nested/deep']],
    ['order_column=name&order_type=desc&limit=2', ['one/nested/deep', 'two/gamma']],
    ['order_column=namespace&order_type=desc', [...all].reverse()],
    ['order_type=desc', [...all].reverse()],
    [
      'order_column=updated_time',
      ['two/gamma', 'two/alpha', 'one/nested/deep', 'one/betaax', 'one/beta_x', 'one/alpha'],
    ],
    ['order_column=updated_at&order_type=desc&limit=1', ['one/alpha']],
    ['order_column=is_public&order_type=desc&limit=1', ['one/beta_x']],
    ['order_column=is_public&order_type=desc&limit=2', ['one/beta_x', 'two/gamma']],
    ['order_column=is_public&offset=3', ['two/alpha', 'two/gamma', 'one/beta_x']],
    ['order_column=is_public&offset=5', ['one/beta_x']],
    ['order_column=is_public&offset=6', []],
    ['order_column=is_public&is_public=false&offset=3', ['two/alpha', 'two/gamma']],
    ['filter=order_column::name|order_type::desc|limit::1', ['one/nested/deep']],
  ])('%s comes in this order', async (query, paths) => {
    expect((await list(owner, `?${query}`)).paths).toEqual(paths)
  })

  test('tags are listed newest first, and order_column=tag_count counts them', async () => {
    const { items } = await list(owner, '?name=gamma')
    const id = items[0]?.id ?? 0
    const digest = new Uint8Array([1, 2, 3])
    await server.db.write(async tx => {
      await tx.insertInto('manifest_bodies').values({ digest, body: digest }).execute()
      await tx
        .insertInto('manifests')
        .values({
          ...{ repository_id: id, digest, media_type: 'x', artifact_type: null, size_bytes: 3, config_digest: null },
          ...{ subject_digest: null, content_bytes: 0, annotations: null, pusher_id: '', pushed_ms: 1 },
        })
        .execute()
      const tags = ['v1', 'v3', 'v2'].map((name, at) => ({ name, created_ms: at, updated_ms: at }))
      await tx
        .insertInto('tags')
        .values(tags.map(tag => ({ repository_id: id, digest, ...tag })))
        .execute()
      await tx
        .insertInto('total_deltas')
        .values({ owner: `repository:${id}`, metric: 'tags', delta: 3 })
        .execute()
    })
    const [first] = (await list(owner, '?order_column=tag_count&order_type=desc&limit=1')).items
    expect(first).toMatchObject({ name: 'gamma', num_images: 3, tags: ['v2', 'v3', 'v1'] })
  })

  test.each([
    ['limit=0', '4000056'],
    ['limit=1001', '4000056'],
    ['limit=-1', '4000056'],
    ['limit=x', '4000056'],
    ['limit=99999999999999999999', '4000056'],
    ['offset=-1', '4000056'],
    ['offset=1.5', '4000056'],
    ['offset=9223372036854775808', '4000056'],
    ['marker=x', '4000056'],
    ['marker=1&order_column=name', '4000056'],
    ['filter=unknown::1', '4001035'],
    ['filter=name', '4001035'],
    ['name=%00', '4001035'],
    ['order_column=num_images', '4001096'],
    ['order_type=up', '4001096'],
    ['category=toys', '4000014'],
    ['is_public=yes', '4001009'],
    ['center=thirdparty', '4000014'],
  ])('%s is 400 %s', async (query, code) => {
    const refused = await server.ask(owner, `GET /v2/manage/repos?${query}`)
    expect([refused.status, refused.code]).toEqual([400, code])
  })

  test('an offset far behind the end is an empty page', async () => {
    const { text, range } = await list(owner, '?offset=999999999999999')
    expect([text, range]).toEqual(['[]', '999999999999999-0/6'])
  })
})
