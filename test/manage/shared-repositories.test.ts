import { afterAll, beforeAll, expect, test } from 'bun:test'
import { z } from 'zod'
import { repositoryV3ListView } from '../../src/protocol/manage/repositories-v3.ts'
import { sharedRepositoryListItem } from '../../src/protocol/manage/shared-repositories.ts'
import { describeEngines } from '../databases.ts'
import { type ManageServer, startManageServer, type TestUser } from './server.ts'

const listBody = z.array(sharedRepositoryListItem.strict())
const dayMs = 86_400_000
const tomorrow = new Date(Date.now() + dayMs).toISOString()
const longAgo = '2024-01-01T00:00:00Z'

describeEngines('the lists of shared images', (_engine, open) => {
  let server: ManageServer
  let owner: TestUser
  let member: TestUser
  let stranger: TestUser
  let other: TestUser
  let receiver: TestUser

  beforeAll(async () => {
    server = await startManageServer(open, { tokenLifeMs: 7 * dayMs })
    owner = await server.addUser('admin', { isAdministrator: true })
    member = await server.addUser('member')
    stranger = await server.addUser('stranger')
    other = await server.addUser('admin', { account: 'OTC222', isAdministrator: true })
    receiver = await server.addUser('nobody', { account: 'OTC111' })
    for (const [user, namespace] of [
      [owner, 'one'],
      [owner, 'two'],
      [other, 'zero'],
    ] as const) {
      await server.ask(user, 'POST /v2/manage/namespaces', { namespace })
    }
    // In an order of making that is none by name.
    const repositories = ['two/gamma', 'one/beta_x', 'zero/alpha', 'one/alpha', 'one/nested/deep', 'two/unshared']
    for (const path of repositories) {
      server.clock.passMs(1000)
      const [namespace = '', ...name] = path.split('/')
      const body = { repository: name.join('/'), is_public: false, category: 'linux', description: `of ${path}` }
      await server.ask(userOf(namespace), `POST /v2/manage/namespaces/${namespace}/repos`, body)
    }
    for (const [path, account, deadline] of [
      ['two/gamma', 'OTC111', 'forever'],
      ['two/gamma', 'OTC222', longAgo],
      ['one/beta_x', 'OTC111', longAgo],
      ['one/alpha', 'OTC111', tomorrow],
      ['one/nested/deep', 'OTC222', 'forever'],
      ['zero/alpha', 'OTC111', 'forever'],
      ['zero/alpha', 'OTC000', longAgo],
    ] as const) {
      expect((await share(path, account, deadline)).status).toBe(201)
    }
    await server.ask(owner, 'POST /v2/manage/namespaces/two/access', [
      { user_id: member.id, user_name: 'member', auth: 1 },
    ])
    await server.ask(owner, 'POST /v2/manage/namespaces/one/repos/alpha/access', [
      { user_id: member.id, user_name: 'member', auth: 3 },
    ])
  })
  afterAll(() => server.stop())

  const userOf = (namespace: string) => (namespace === 'zero' ? other : owner)
  const domainsOf = (path: string) => {
    const [namespace = '', ...name] = path.split('/')
    return [userOf(namespace), `/v2/manage/namespaces/${namespace}/repositories/${name.join('$')}`] as const
  }
  const share = (path: string, account: string, deadline: string) => {
    const [user, at] = domainsOf(path)
    const body = { access_domain: account, permit: 'read', deadline }
    return server.ask(user, `POST ${at}/access-domains`, body)
  }
  const unshare = (path: string, account: string) => {
    const [user, at] = domainsOf(path)
    return server.ask(user, `DELETE ${at}/access-domains/${account}`)
  }

  async function list(user: TestUser, query: string) {
    const listed = await server.ask(user, `GET /v2/manage/shared-repositories?${query}`)
    expect([query, listed.status]).toEqual([query, 200])
    const items = listBody.parse(listed.body)
    return {
      items,
      entries: items.map(item => `${item.namespace}/${item.name} ${item.domain_name} ${item.status}`),
      range: listed.headers.get('content-range'),
      text: listed.text,
    }
  }

  const own = [
    'one/alpha OTC000 true',
    'one/beta_x OTC000 false',
    'one/nested/deep OTC000 true',
    'two/gamma OTC000 true',
  ]
  const received = [
    'one/alpha OTC000 true',
    'one/beta_x OTC000 false',
    'two/gamma OTC000 true',
    'zero/alpha OTC222 true',
  ]
  /** In the order in which they were made. */
  const receivedById = [2, 1, 3, 0].map(at => received[at] ?? '')

  test('an entry has every field of the contract and the exact number of matches', async () => {
    const { items, range } = await list(receiver, 'center=thirdparty&name=gamma')
    const [item] = items
    expect(items).toEqual([
      {
        ...{ id: item?.id ?? 0, name: 'gamma', category: 'linux', description: 'of two/gamma', size: 0 },
        ...{ is_public: false, num_images: 0, num_download: 0, logo: '', url: '' },
        ...{ created_at: item?.created_at ?? '', updated_at: item?.created_at ?? '', tags: [] },
        ...{ path: 'swr.example.org/two/gamma', internal_path: 'swr.example.org/two/gamma' },
        ...{ domain_name: 'OTC000', namespace: 'two', status: true, total_range: 1 },
      },
    ])
    expect(range).toBe('0-1/1')
  })

  test('self shows what an account shares, each image once, as far as the caller’s grants go', async () => {
    expect((await list(owner, 'center=self')).entries).toEqual(own)
    expect((await list(member, 'center=self')).entries).toEqual(['one/alpha OTC000 true', 'two/gamma OTC000 true'])
    expect((await list(stranger, 'center=self')).text).toBe('[]')
    expect((await list(receiver, 'center=self')).text).toBe('[]')
    expect((await list(other, 'center=self')).entries).toEqual(['zero/alpha OTC222 true'])
  })

  test('thirdparty shows what other accounts share with one, to every user of it, ended shares included', async () => {
    expect((await list(receiver, 'center=thirdparty')).entries).toEqual(received)
    expect((await list(other, 'center=thirdparty')).entries).toEqual([
      'one/nested/deep OTC000 true',
      'two/gamma OTC000 false',
    ])
    expect((await list(stranger, 'center=thirdparty')).entries).toEqual(['zero/alpha OTC222 false'])
    expect((await list(owner, 'filter=center::thirdparty')).entries).toEqual(['zero/alpha OTC222 false'])
  })

  test.each([
    ['center=self&namespace=one&status=true', ['one/alpha OTC000 true', 'one/nested/deep OTC000 true']],
    ['center=self&status=false', ['one/beta_x OTC000 false']],
    ['center=self&domain_name=OTC000&name=gamma', ['two/gamma OTC000 true']],
    ['center=self&domain_name=OTC111', []],
    ['center=self&name=nested$d', ['one/nested/deep OTC000 true']],
    ['center=self&order_column=name&order_type=desc&limit=2', ['one/nested/deep OTC000 true', 'two/gamma OTC000 true']],
    ['center=self&order_column=namespace&order_type=desc&limit=1', ['two/gamma OTC000 true']],
    ['center=self&order_column=domain_name&limit=1', ['one/alpha OTC000 true']],
    ['center=self&order_column=updated_at&limit=1', ['two/gamma OTC000 true']],
    ['center=self&order_column=tag_count&limit=1', ['one/alpha OTC000 true']],
    ['center=self&limit=1&offset=1', ['one/beta_x OTC000 false']],
  ])('%s finds %j', async (query, entries) => {
    expect((await list(owner, query)).entries).toEqual(entries)
  })

  test.each([
    ['namespace=one', ['one/alpha OTC000 true', 'one/beta_x OTC000 false']],
    ['namespace=on', []],
    ['filter=center::thirdparty|namespace::on', ['one/alpha OTC000 true', 'one/beta_x OTC000 false']],
    ['name=beta_', ['one/beta_x OTC000 false']],
    ['name=%25', []],
    ['domain_name=OTC222', ['zero/alpha OTC222 true']],
    ['domain_name=OTC', []],
    ['status=false', ['one/beta_x OTC000 false']],
    ['status=true&namespace=one', ['one/alpha OTC000 true']],
    ['filter=domain_name::OTC000|status::true|limit::1|offset::1', ['two/gamma OTC000 true']],
    ['order_type=desc&limit=1', ['zero/alpha OTC222 true']],
    [
      'order_column=namespace',
      ['one/alpha OTC000 true', 'one/beta_x OTC000 false', 'two/gamma OTC000 true', 'zero/alpha OTC222 true'],
    ],
    ['order_column=name&order_type=desc&limit=2', ['two/gamma OTC000 true', 'one/beta_x OTC000 false']],
    ['order_column=domain_name&order_type=desc&limit=1', ['zero/alpha OTC222 true']],
    ['order_column=updated_at&order_type=desc&limit=2', ['one/alpha OTC000 true', 'zero/alpha OTC222 true']],
    ['order_column=updated_time&limit=1', ['two/gamma OTC000 true']],
    ['order_column=tag_count&limit=1', ['one/alpha OTC000 true']],
    ['whatever=1&namespace=zero', ['zero/alpha OTC222 true']],
  ])('center=thirdparty&%s finds %j', async (query, entries) => {
    expect((await list(receiver, `center=thirdparty&${query}`)).entries).toEqual(entries)
  })

  test('every page tells the exact number of matches, as Terraform counts up to it', async () => {
    for (const [user, center, total] of [
      [owner, 'self', 4],
      [member, 'self', 2],
      [member, 'self&namespace=one', 1],
      [owner, 'self&status=true', 3],
      [owner, 'self&name=a', 3],
      [receiver, 'thirdparty', 4],
      [receiver, 'thirdparty&status=true', 3],
      [stranger, 'self', 0],
    ] as const) {
      const seen: string[] = []
      for (let offset = 0; ; ) {
        const { entries, items, range } = await list(user, `center=${center}&limit=3&offset=${offset}`)
        expect([center, range]).toEqual([center, `${offset}-${items.length}/${total}`])
        seen.push(...entries)
        offset += items.length
        if (offset === (items[0]?.total_range ?? 0) || items.length === 0) break
      }
      expect(seen).toHaveLength(total)
      expect(new Set(seen).size).toBe(total)
    }
  })

  test('numbers follow shares that come and go, and images that go', async () => {
    const counts = async () => [
      (await list(owner, 'center=self')).range,
      (await list(member, 'center=self&namespace=two')).range,
      (await list(receiver, 'center=thirdparty')).range,
      (await list(other, 'center=thirdparty')).range,
    ]
    const before = ['0-4/4', '0-1/1', '0-4/4', '0-2/2']
    expect(await counts()).toEqual(before)
    await share('two/unshared', 'OTC111', 'forever')
    await share('two/unshared', 'OTC222', longAgo)
    expect(await counts()).toEqual(['0-5/5', '0-2/2', '0-5/5', '0-3/3'])
    await unshare('two/unshared', 'OTC111')
    expect(await counts()).toEqual(['0-5/5', '0-2/2', '0-4/4', '0-3/3'])
    await unshare('two/unshared', 'OTC222')
    expect(await counts()).toEqual(before)
    await server.ask(owner, 'POST /v2/manage/namespaces/two/repos', { repository: 'short', is_public: false })
    await share('two/short', 'OTC111', 'forever')
    await share('two/short', 'OTC222', 'forever')
    expect(await counts()).toEqual(['0-5/5', '0-2/2', '0-5/5', '0-3/3'])
    await server.ask(owner, 'DELETE /v2/manage/namespaces/two/repos/short')
    expect(await counts()).toEqual(before)
  })

  test('a share that has ended stays in the lists, and tells no more what the image holds', async () => {
    const tagged = await repositoryId('one', 'alpha')
    const digest = new Uint8Array([1, 2, 3])
    await server.db.write(async tx => {
      await tx.insertInto('manifest_bodies').values({ digest, body: digest }).execute()
      const manifest = { repository_id: tagged, digest, media_type: 'x', artifact_type: null, size_bytes: 3 }
      const rest = { config_digest: null, subject_digest: null, content_bytes: 0, annotations: null, pusher_id: '' }
      await tx
        .insertInto('manifests')
        .values({ ...manifest, ...rest, pushed_ms: 1 })
        .execute()
      const tag = { repository_id: tagged, digest, name: 'v1', created_ms: 1, updated_ms: 1 }
      await tx.insertInto('tags').values(tag).execute()
      const owner = `repository:${tagged}`
      await tx.insertInto('total_deltas').values({ owner, metric: 'tags', delta: 1 }).execute()
    })
    const alpha = async () => (await list(receiver, 'center=thirdparty&namespace=one&name=alpha')).items[0]
    expect(await alpha()).toMatchObject({ status: true, num_images: 1, tags: ['v1'] })
    server.clock.passMs(2 * dayMs)
    expect(await alpha()).toMatchObject({ status: false, num_images: 0, tags: [], total_range: 1 })
    expect((await list(owner, 'center=self&status=false')).entries).toEqual([
      'one/alpha OTC000 false',
      'one/beta_x OTC000 false',
    ])
    server.clock.passMs(-2 * dayMs)
  })

  test.each([
    ['', '4001014'],
    ['namespace=one', '4001014'],
    ['center=', '4001014'],
    ['center=both', '4000014'],
    ['center=self&limit=0', '4000056'],
    ['center=self&offset=-1', '4000056'],
    ['center=self&status=yes', '4000014'],
    ['center=self&order_column=num_images', '4001096'],
    ['center=self&order_type=up', '4001096'],
    ['filter=center::self|category::linux', '4001035'],
    ['center=self&name=%00', '4001035'],
  ])('%s is 400 %s', async (query, code) => {
    const refused = await server.ask(owner, `GET /v2/manage/shared-repositories?${query}`)
    expect([refused.status, refused.code]).toEqual([400, code])
  })

  async function listV3(user: TestUser, query: string) {
    const listed = await server.ask(user, `GET /v3/manage/shared-repositories?${query}`)
    expect([query, listed.status]).toEqual([query, 200])
    const view = repositoryV3ListView.strict().parse(listed.body)
    const entries = view.repos.map(item => `${item.namespace_name}/${item.name} ${item.domain_name} ${item.status}`)
    return { entries, nextMarker: view.nextMarker, text: listed.text }
  }

  test.each([1, 3, 4, 100])(
    'by version 3, pages of %i follow each other by nextMarker, and the last has none',
    async limit => {
      for (const [user, side, all] of [
        [owner, 'self', own],
        [receiver, 'thirdparty', receivedById],
      ] as const) {
        const seen: string[] = []
        for (let marker = ''; ; ) {
          const { entries, nextMarker, text } = await listV3(user, `shared_by=${side}&limit=${limit}${marker}`)
          seen.push(...entries)
          if (nextMarker === undefined) {
            expect(text).not.toContain('nextMarker')
            break
          }
          marker = `&marker=${nextMarker}`
        }
        expect(seen).toEqual([...all])
      }
    },
  )

  test('by version 3, a share that goes between two pages of thirdparty ends none of them', async () => {
    const first = await listV3(receiver, 'shared_by=thirdparty&limit=2')
    expect(first.entries).toEqual(receivedById.slice(0, 2))
    await unshare('one/beta_x', 'OTC111')
    const rest = await listV3(receiver, `shared_by=thirdparty&marker=${first.nextMarker}`)
    await share('one/beta_x', 'OTC111', longAgo)
    expect(rest.entries).toEqual(receivedById.slice(2))
  })

  test.each([
    ['self&namespace=one&status=true', ['one/alpha OTC000 true', 'one/nested/deep OTC000 true']],
    ['self&name=beta_', ['one/beta_x OTC000 false']],
  ])('by version 3, shared_by=%s finds %j', async (query, entries) => {
    expect((await listV3(owner, `shared_by=${query}`)).entries).toEqual(entries)
  })

  test.each([
    ['', '4001014'],
    ['center=self', '4001014'],
    ['shared_by=all', '4000014'],
    ['shared_by=self&marker=x', '4000056'],
    ['shared_by=self&marker=999999', '4000056'],
    ['shared_by=self&limit=0', '4000056'],
  ])('by version 3, %s is 400 %s', async (query, code) => {
    const refused = await server.ask(owner, `GET /v3/manage/shared-repositories?${query}`)
    expect([refused.status, refused.code]).toEqual([400, code])
  })

  async function repositoryId(organization: string, name: string): Promise<number> {
    const { id } = await server.db.read
      .selectFrom('repositories as r')
      .innerJoin('organizations as o', 'o.id', 'r.organization_id')
      .select('r.id')
      .where('o.name', '=', organization)
      .where('r.name', '=', name)
      .executeTakeFirstOrThrow()
    return id
  }
})
