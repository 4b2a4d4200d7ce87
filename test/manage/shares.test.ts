import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test'
import { z } from 'zod'
import { absentShareView, shareView, shownShareView } from '../../src/protocol/manage/shares.ts'
import { describeEngines } from '../databases.ts'
import { type ManageServer, startManageServer, type TestUser } from './server.ts'

const shareList = z.array(shareView.strict())
const forever = { permit: 'read', deadline: 'forever' }
const dayMs = 86_400_000
/** 00:00 UTC of a day, counted from today. */
const day = (number: number) => `${new Date(Date.now() + number * dayMs).toISOString().slice(0, 10)}T00:00:00Z`

describeEngines('shares of an image with other accounts', (_engine, open) => {
  let server: ManageServer
  let owner: TestUser
  let reader: TestUser
  let receiver: TestUser

  beforeAll(async () => {
    server = await startManageServer(open, { tokenLifeMs: 7 * dayMs })
    owner = await server.addUser('owner')
    reader = await server.addUser('reader')
    receiver = await server.addUser('admin', { account: 'OTC111', isAdministrator: true })
    await server.addUser('admin', { account: 'OTC222', isAdministrator: true })
  })
  afterAll(() => server.stop())

  let round = 0
  let group: string
  let domains: string
  beforeEach(async () => {
    round += 1
    group = `/v2/manage/namespaces/group${round}`
    domains = `${group}/repositories/app$r/access-domains`
    await server.ask(owner, 'POST /v2/manage/namespaces', { namespace: `group${round}` })
    await server.ask(owner, `POST ${group}/repos`, { repository: 'app/r', is_public: false })
  })

  const share = (account: string, terms: object = forever) =>
    server.ask(owner, `POST ${domains}`, { access_domain: account, ...terms })
  const show = async (account: string) => (await server.ask(owner, `GET ${domains}/${account}`)).body

  test.each(['repositories', 'repos'])('are made, shown, changed and taken back below /%s/', async spelling => {
    const at = `${group}/${spelling}/app$r/access-domains`
    const made = await server.ask(owner, `POST ${at}`, { access_domain: 'OTC111', ...forever, description: 'x' })
    expect([made.status, made.text, made.headers.get('content-type')]).toEqual([201, '{}', 'application/json'])
    const shown = await server.ask(owner, `GET ${at}/OTC111`)
    expect(shown.status).toBe(200)
    const item = {
      ...{ namespace: `group${round}`, repository: 'app/r', access_domain: 'OTC111', permit: 'read' as const },
      ...{ deadline: 'forever', description: 'x', creator_id: owner.id, creator_name: 'owner', status: true },
      ...{ created: shown.body.created, updated: shown.body.created },
    }
    expect(shown.body).toEqual({ exist: true, ...item })
    shownShareView.parse(shown.body)
    const listed = await server.ask(owner, `GET ${at}`)
    expect([listed.status, listed.headers.get('content-range')]).toEqual([200, '0-1/1'])
    expect(shareList.parse(listed.body)).toEqual([item])

    server.clock.passMs(1000)
    const changed = await server.ask(owner, `PATCH ${at}/OTC111`, { permit: 'read', deadline: day(30) })
    expect([changed.status, changed.text]).toEqual([201, '{}'])
    const after = (await server.ask(owner, `GET ${at}/OTC111`)).body
    expect(after).toEqual({ exist: true, ...item, deadline: day(30), updated: after.updated })
    expect(after.updated > item.updated).toBe(true)

    const removed = await server.ask(owner, `DELETE ${at}/OTC111`)
    expect([removed.status, removed.text]).toEqual([204, ''])
    expect((await server.ask(owner, `GET ${at}`)).text).toBe('[]')
  })

  test('one that is not there is no error: exist is false, and every other field is there and empty', async () => {
    for (const account of ['OTC111', 'nobody', 'a%00b', '%F0%9F%90%9A', 'x'.repeat(300)]) {
      const shown = await server.ask(owner, `GET ${domains}/${account}`)
      expect(shown.status).toBe(200)
      absentShareView.strict().parse(shown.body)
      expect(shown.body.access_domain).toBe(decodeURIComponent(account))
      for (const [method, body] of [['PATCH', forever], ['DELETE']] as const) {
        const refused = await server.ask(owner, `${method} ${domains}/${account}`, body)
        expect([method, account, refused.status, refused.code]).toEqual([method, account, 404, '4040091'])
      }
    }
  })

  test('of an image that is not there are 404', async () => {
    for (const [call, body] of [
      ['GET', undefined],
      ['POST', { access_domain: 'OTC111', ...forever }],
      ['GET /OTC111', undefined],
      ['PATCH /OTC111', forever],
      ['DELETE /OTC111', undefined],
    ] as const) {
      const [method, below = ''] = call.split(' ')
      const at = `${group}/repos/none/access-domains`
      const refused = await server.ask(owner, `${method} ${at}${below}`, body)
      expect([call, refused.status, refused.code]).toEqual([call, 404, '4040010'])
    }
  })

  test('a second one for an account is 409, and the first stays as it is', async () => {
    await share('OTC111', { permit: 'read', deadline: day(5) })
    const refused = await share('OTC111')
    expect([refused.status, refused.code]).toEqual([409, '4090089'])
    expect((await show('OTC111')).deadline).toBe(day(5))
  })

  test.each([['nobody'], ['otc111'], ['OTC000'], [''], ['OTC_11'], ['OTC%'], ["' or 1=1 --"], [7]])(
    'with %j is 400: no other account is called so',
    async name => {
      const refused = await server.ask(owner, `POST ${domains}`, { access_domain: name, ...forever })
      expect([refused.status, refused.code]).toEqual([400, '4001041'])
      expect((await server.ask(owner, `GET ${domains}`)).text).toBe('[]')
    },
  )

  test.each([
    ['no access_domain', { access_domain: undefined }, 400, '4001014'],
    ['no permit', { permit: undefined }, 400, '4001014'],
    ['a permit to write', { permit: 'write' }, 400, '4001091'],
    ['no deadline', { deadline: undefined }, 400, '4001014'],
    ['null for a deadline', { deadline: null }, 400, '4001014'],
    ['a deadline that is none', { deadline: 'tomorrow' }, 400, '4000014'],
    ['a date without a time', { deadline: '2030-01-01' }, 400, '4000014'],
    ['a day that no month has', { deadline: '2030-02-30T00:00:00Z' }, 400, '4000014'],
    ['a number for a deadline', { deadline: 7 }, 400, '4000014'],
    ['a description of 1001 characters', { description: '🐚'.repeat(1001) }, 413, '4131012'],
    ['a description with U+0000', { description: 'a\0' }, 400, '4000014'],
  ])('%s is refused, and shares nothing', async (_what, fields, status, code) => {
    const refused = await share('OTC111', { ...forever, ...fields })
    expect([refused.status, refused.code]).toEqual([status, code])
    expect((await show('OTC111')).exist).toBe(false)
  })

  test('a description has up to 1000 characters, may be null, and stays where a change names none', async () => {
    const description = '🐚'.repeat(1000)
    expect((await share('OTC111', { ...forever, description })).status).toBe(201)
    await server.ask(owner, `PATCH ${domains}/OTC111`, forever)
    expect((await show('OTC111')).description).toBe(description)
    // openstacksdk repeats the account in the body.
    await server.ask(owner, `PATCH ${domains}/OTC111`, { ...forever, access_domain: 'OTC111', description: '' })
    expect((await show('OTC111')).description).toBe('')
    expect((await share('OTC222', { ...forever, description: null })).status).toBe(201)
    expect((await show('OTC222')).description).toBe('')
  })

  test.each([
    ['forever', true],
    [day(0), true],
    [day(30).replace('Z', '.000Z'), true],
    [day(-1), false],
    ['2024-01-01T00:00:00.000Z', false],
  ])('the deadline %s comes back as it was sent, with status %p', async (deadline, status) => {
    expect((await share('OTC111', { permit: 'read', deadline })).status).toBe(201)
    expect(await show('OTC111')).toMatchObject({ deadline, status })
    await server.ask(owner, `PATCH ${domains}/OTC111`, forever)
    await server.ask(owner, `PATCH ${domains}/OTC111`, { permit: 'read', deadline })
    expect(await show('OTC111')).toMatchObject({ deadline, status })
  })

  test('a public image is not shared; one that is made public and private again still is', async () => {
    await share('OTC111')
    const visibility = (isPublic: boolean) =>
      server.ask(owner, `PATCH ${group}/repos/app$r`, { is_public: isPublic }).then(answer => answer.status)
    expect(await visibility(true)).toBe(201)
    const refused = await share('OTC222')
    expect([refused.status, refused.code]).toEqual([400, '4000014'])
    expect(refused.detail).toContain('private')
    expect((await server.ask(owner, `PATCH ${domains}/OTC111`, { permit: 'read', deadline: day(9) })).status).toBe(201)
    expect(await visibility(false)).toBe(201)
    expect((await show('OTC111')).deadline).toBe(day(9))
    expect((await server.ask(receiver, `GET ${group}/repos/app$r`)).status).toBe(200)
  })

  test('an image that is made anew under the name is shared with nobody', async () => {
    await share('OTC111')
    expect((await server.ask(receiver, `GET ${group}/repos/app$r`)).status).toBe(200)
    await server.ask(owner, `DELETE ${group}/repos/app$r`)
    expect((await server.ask(receiver, `GET ${group}/repos/app$r`)).status).toBe(404)
    await server.ask(owner, `POST ${group}/repos`, { repository: 'app/r', is_public: false })
    expect((await show('OTC111')).exist).toBe(false)
    expect((await server.ask(receiver, `GET ${group}/repos/app$r`)).status).toBe(404)
    expect((await share('OTC111')).status).toBe(201)
  })

  test('a share is with an account, whatever that is called later, and not with its name', async () => {
    const user = await server.addUser('admin', { account: `OTC-${round}` })
    await share(`OTC-${round}`)
    await server.db.write(async tx => {
      await tx
        .updateTable('accounts')
        .set({ name: `NEW-${round}` })
        .where('id', '=', user.accountId)
        .execute()
      await tx
        .insertInto('accounts')
        .values({ id: `other ${round}`, name: `OTC-${round}`, created_ms: 1 })
        .execute()
    })
    expect((await server.ask(user, `GET ${group}/repos/app$r`)).status).toBe(200)
    expect((await show(`NEW-${round}`)).exist).toBe(true)
    expect((await show(`OTC-${round}`)).exist).toBe(false)
    expect((await share(`OTC-${round}`)).status).toBe(201)
  })

  test('an image is shared with 500 accounts at most, and the first 100 are listed unless more are asked for', async () => {
    const names = Array.from({ length: 500 }, (_, number) => `R${round}-${1000 + number}`)
    await server.db.write(async tx => {
      const rows = names.map((name, number) => ({ id: `${round}-${number}`.padStart(32, '0'), name, created_ms: 1 }))
      await tx.insertInto('accounts').values(rows).execute()
      const { id } = await tx
        .selectFrom('repositories as r')
        .innerJoin('organizations as o', 'o.id', 'r.organization_id')
        .select('r.id')
        .where('o.name', '=', `group${round}`)
        .executeTakeFirstOrThrow()
      const terms = {
        deadline: 'forever',
        ends_ms: Number.MAX_SAFE_INTEGER,
        description: '',
        creator_id: '',
        creator_name: '',
      }
      await tx
        .insertInto('repository_shares')
        .values(
          rows
            .slice(0, 490)
            .map(row => ({ repository_id: id, account_id: row.id, ...terms, created_ms: 1, updated_ms: 1 })),
        )
        .execute()
    })
    const answers = await Promise.all([...names.slice(490), 'OTC111', 'OTC222'].map(name => share(name)))
    expect(answers.map(answer => answer.status).sort()).toEqual([...Array.from({ length: 10 }, () => 201), 400, 400])
    const refused = answers.find(answer => answer.status === 400)
    expect([refused?.code, refused?.detail]).toEqual(['4000014', 'an image is shared with at most 500 accounts'])

    const list = async (query: string) => {
      const listed = await server.ask(owner, `GET ${domains}${query}`)
      return { range: listed.headers.get('content-range'), items: shareList.parse(listed.body) }
    }
    const first = await list('')
    expect([first.range, first.items.length]).toEqual(['0-100/500', 100])
    const all = [...first.items, ...(await list('?limit=1000&offset=100')).items].map(item => item.access_domain)
    expect(all).toHaveLength(500)
    expect(all).toEqual(all.toSorted())
    expect((await server.ask(owner, `GET ${domains}?limit=1001`)).code).toBe('4000056')
  }, 30_000)

  test('of 20 at once for one account exactly one is 201, and so for taking it back', async () => {
    const statuses = async (call: () => Promise<{ status: number }>) =>
      (await Promise.all(Array.from({ length: 20 }, call))).map(answer => answer.status).sort()
    expect(await statuses(() => share('OTC111'))).toEqual([201, ...Array.from({ length: 19 }, () => 409)])
    const remove = () => server.ask(owner, `DELETE ${domains}/OTC111`)
    expect(await statuses(remove)).toEqual([204, ...Array.from({ length: 19 }, () => 404)])
  })

  test('are seen by who sees the image in its account, and changed by who manages it', async () => {
    await share('OTC111')
    for (const [auth, onRead, onWrite] of [
      [1, 200, 403],
      [3, 200, 403],
      [7, 200, 201],
    ] as const) {
      const grant = [{ user_id: reader.id, user_name: 'reader', auth }]
      await server.ask(owner, `POST ${group}/repos/app$r/access`, grant)
      expect((await server.ask(reader, `GET ${domains}`)).status).toBe(onRead)
      expect((await server.ask(reader, `GET ${domains}/OTC111`)).status).toBe(onRead)
      expect((await server.ask(reader, `POST ${domains}`, { access_domain: 'OTC222', ...forever })).status).toBe(
        onWrite,
      )
      expect((await server.ask(reader, `PATCH ${domains}/OTC111`, forever)).status).toBe(onWrite)
      expect((await server.ask(reader, `DELETE ${domains}/OTC222`)).status).toBe(onWrite === 201 ? 204 : 403)
      await server.ask(owner, `DELETE ${group}/repos/app$r/access`, [reader.id])
    }
    for (const call of [`GET ${domains}`, `GET ${domains}/OTC111`, `DELETE ${domains}/OTC111`]) {
      expect((await server.ask(reader, call)).status).toBe(404)
    }
    expect((await show('OTC111')).exist).toBe(true)
  })

  test('every change is told by one event of the account that shares', async () => {
    const answers = [
      await share('OTC111', { permit: 'read', deadline: day(1) }),
      await server.ask(owner, `PATCH ${domains}/OTC111`, forever),
      await server.ask(owner, `DELETE ${domains}/OTC111`),
    ]
    const ids = answers.map(answer => answer.headers.get('x-request-id') ?? '')
    const events = await server.db.read
      .selectFrom('events')
      .select(['kind', 'account_id', 'detail'])
      .where('request_id', 'in', ids)
      .orderBy('id')
      .execute()
    const about = {
      organization: `group${round}`,
      repository: 'app/r',
      account: 'OTC111',
      receiverId: receiver.accountId,
    }
    expect(events.map(event => [event.kind, event.account_id, JSON.parse(event.detail)])).toEqual([
      ['repository.shared', owner.accountId, { ...about, deadline: day(1) }],
      ['repository.shared', owner.accountId, { ...about, deadline: 'forever' }],
      ['repository.unshared', owner.accountId, about],
    ])
  })

  test('the receiver sees the image and who owns it, but not which user made it', async () => {
    await share('OTC111', { permit: 'read', deadline: day(1) })
    const seen = (await server.ask(receiver, `GET ${group}/repos/app$r`)).body
    expect(seen).toMatchObject({ name: 'app/r', domain_id: owner.accountId, creator_id: '', creator_name: '' })
    expect((await server.ask(owner, `GET ${group}/repos/app$r`)).body.creator_name).toBe('owner')
    server.clock.passMs(2 * dayMs)
    const ended = await server.ask(receiver, `GET ${group}/repos/app$r`)
    server.clock.passMs(-2 * dayMs)
    expect([ended.status, ended.code]).toEqual([404, '4040058'])
  })

  test('a receiver may change nothing, and sees neither grants, nor shares, nor the organization', async () => {
    await share('OTC111')
    const someone = [{ user_id: receiver.id, user_name: receiver.name, auth: 7 }]
    const before = await everything()
    for (const [call, body, status] of [
      [`GET ${group}/repos/app$r`, undefined, 200],
      [`GET ${group}/repos/app$r/tags`, undefined, 200],
      [`PATCH ${group}/repos/app$r`, { is_public: true }, 403],
      [`DELETE ${group}/repos/app$r`, undefined, 403],
      [`GET ${group}/repos/app$r/access`, undefined, 403],
      [`POST ${group}/repos/app$r/access`, someone, 403],
      [`GET ${domains}`, undefined, 403],
      [`GET ${domains}/OTC111`, undefined, 403],
      [`POST ${domains}`, { access_domain: 'OTC222', ...forever }, 403],
      [`PATCH ${domains}/OTC111`, forever, 403],
      [`DELETE ${domains}/OTC111`, undefined, 403],
      [`GET ${group}`, undefined, 404],
      [`GET ${group}/access`, undefined, 404],
      [`POST ${group}/access`, someone, 404],
      [`POST ${group}/repos`, { repository: 'new', is_public: false }, 404],
    ] as const) {
      expect([call, (await server.ask(receiver, call, body)).status]).toEqual([call, status])
    }
    expect(await everything()).toEqual(before)
    // What is shared is no image of one's own.
    expect((await server.ask(receiver, 'GET /v2/manage/repos')).text).toBe('[]')
    expect((await server.ask(receiver, 'GET /v2/manage/namespaces?filter=mode::visible')).body).toEqual({
      namespaces: [],
    })
  })

  async function everything() {
    const { read } = server.db
    return [
      await read.selectFrom('repositories').selectAll().orderBy('id').execute(),
      await read.selectFrom('repository_shares').selectAll().orderBy('repository_id').orderBy('account_id').execute(),
      await read.selectFrom('repository_grants').selectAll().orderBy('repository_id').orderBy('user_id').execute(),
      await read.selectFrom('organization_grants').selectAll().orderBy('organization_id').orderBy('user_id').execute(),
      await read.selectFrom('events').select('id').orderBy('id').execute(),
    ]
  }
})
