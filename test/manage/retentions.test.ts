import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test'
import { beginMaintenance, endMaintenance } from '../../src/core/access/maintenance.ts'
import { retentionHistoryView, retentionListView, retentionView } from '../../src/protocol/manage/retentions.ts'
import { describeEngines } from '../databases.ts'
import { type Images, openImages } from '../retention/images.ts'
import { type ManageServer, startManageServer, type TestUser } from './server.ts'

const dayMs = 24 * 3_600_000

const dateRule = (days: unknown, ...selectors: unknown[]) => ({
  ...{ template: 'date_rule', params: { days }, tag_selectors: selectors },
})
const tagRule = (num: unknown, ...selectors: unknown[]) => ({
  ...{ template: 'tag_rule', params: { num }, tag_selectors: selectors },
})
const label = (pattern: unknown) => ({ kind: 'label', pattern })
const regexp = (pattern: unknown) => ({ kind: 'regexp', pattern })
const policyOf = (...rules: unknown[]) => ({ algorithm: 'or', rules })

describeEngines('retention policies', (_engine, open) => {
  let server: ManageServer
  let owner: TestUser
  let images: Images
  let organization = ''
  let at = ''

  beforeAll(async () => {
    server = await startManageServer(open)
    owner = await server.addUser('owner')
  })
  afterAll(() => server.stop())

  let round = 0
  beforeEach(async () => {
    round += 1
    organization = `group${round}`
    at = `/v2/manage/namespaces/${organization}/repos/app$r/retentions`
    await server.ask(owner, 'POST /v2/manage/namespaces', { namespace: organization })
    await server.ask(owner, `POST /v2/manage/namespaces/${organization}/repos`, {
      repository: 'app/r',
      is_public: false,
    })
    images = openImages(server, requesterOf(owner), organization)
  })

  const create = async (...rules: unknown[]): Promise<number> => {
    const made = await server.ask(owner, `POST ${at}`, policyOf(...rules))
    expect([made.status, Object.keys(made.body)]).toEqual([201, ['id']])
    return made.body.id
  }
  /** Pushes tags as if one had come each day, the last one now. */
  const pushDaily = async (...tags: string[]) => {
    for (const [index, tag] of tags.entries()) {
      images.setAge((tags.length - 1 - index) * dayMs)
      await images.push('app/r', tag)
    }
  }
  const history = async (query = '') => server.ask(owner, `GET ${at}/histories${query}`)

  test('one is made with 201 and its id, and shown as it was sent', async () => {
    const rules = [dateRule('30', label('v5'), label('1.0.1'), regexp('^123$')), tagRule('7')]
    const made = await server.ask(owner, `POST ${at}`, policyOf(...rules))
    expect([made.status, made.headers.get('content-type'), made.text]).toEqual([
      ...[201, 'application/json', `{"id":${made.body.id}}`],
    ])
    expect(Number.isInteger(made.body.id)).toBe(true)
    const policy = { algorithm: 'or', id: made.body.id, rules, scope: '' }
    const shown = await server.ask(owner, `GET ${at}/${made.body.id}`)
    expect([shown.status, shown.body]).toEqual([200, policy])
    retentionView.strict().parse(shown.body)
    const listed = await server.ask(owner, `GET ${at}`)
    expect([listed.status, listed.body]).toEqual([200, [policy]])
    retentionListView.parse(listed.body)
  })

  test('none is [], and its history is empty', async () => {
    expect((await server.ask(owner, `GET ${at}`)).text).toBe('[]')
    const { status, text, headers } = await history()
    expect([status, text, headers.get('content-range')]).toEqual([200, '{"retention_log":[],"total":0}', '0-0/0'])
  })

  test.each([
    [dateRule('1'), '1'],
    [dateRule('365'), '365'],
    [dateRule(30), '30'],
    [dateRule('007'), '7'],
    [tagRule('1'), '1'],
    [tagRule(1000), '1000'],
    [{ ...tagRule('5'), params: { num: '5', days: 'x' }, other: 1 }, '5'],
  ])('%j is taken', async (rule, number) => {
    const id = await create(rule)
    const { params } = (await server.ask(owner, `GET ${at}/${id}`)).body.rules[0]
    expect(params).toEqual(rule.template === 'date_rule' ? { days: number } : { num: number })
  })

  const selecting = (...selectors: unknown[]) => policyOf(tagRule('5', ...selectors))
  test.each([
    ['no algorithm', { rules: [tagRule('5')] }, '4001014'],
    ['another algorithm', { ...policyOf(tagRule('5')), algorithm: 'and' }, '4000014'],
    ['no rules', { algorithm: 'or' }, '4001014'],
    ['rules of null', { algorithm: 'or', rules: null }, '4001014'],
    ['rules that are none', { algorithm: 'or', rules: {} }, '4000014'],
    ['an empty array of rules', policyOf(), '4000014'],
    ['eleven rules', policyOf(...Array.from({ length: 11 }, () => tagRule('5'))), '4000014'],
    ['null for a rule', policyOf(null), '4001014'],
    ['text for a rule', policyOf('tag_rule'), '4000014'],
    ['no template', policyOf({ params: { num: '5' }, tag_selectors: [] }), '4001014'],
    ['an unknown template', policyOf({ ...tagRule('5'), template: 'size_rule' }), '4000014'],
    ['no params', policyOf({ template: 'tag_rule', tag_selectors: [] }), '4001014'],
    ['params of the other template', policyOf({ ...tagRule('5'), params: { days: '5' } }), '4001014'],
    ...[0, 366, -1, 1.5, '0', '366', '-1', '1.5', '1e2', '0x1', ' 7', '7 ', '', 'x', '99999', true, [7], {}].map(
      days => [`days of ${JSON.stringify(days)}`, policyOf(dateRule(days)), '4000014'] as const,
    ),
    ...[0, 1001, '0', '1001', 'all'].map(
      num => [`num of ${JSON.stringify(num)}`, policyOf(tagRule(num)), '4000014'] as const,
    ),
    ['num of null', policyOf(tagRule(null)), '4001014'],
    ['no tag_selectors', policyOf({ template: 'tag_rule', params: { num: '5' } }), '4001014'],
    ['tag_selectors that are none', policyOf({ ...tagRule('5'), tag_selectors: {} }), '4000014'],
    ['101 selectors', selecting(...Array.from({ length: 101 }, (_, index) => label(`v${index}`))), '4000014'],
    ['no kind', selecting({ pattern: 'v1' }), '4001014'],
    ['an unknown kind', selecting({ kind: 'glob', pattern: 'v1' }), '4000014'],
    ['no pattern', selecting({ kind: 'label' }), '4001014'],
    ['a label that no tag can be', selecting(label('v1*')), '4000014'],
    ['a label of nothing', selecting(label('')), '4000014'],
    ['a pattern that is a number', selecting(regexp(1)), '4000014'],
    ['a pattern of nothing', selecting(regexp('')), '4000014'],
    ['a pattern of 257 characters', selecting(regexp('a'.repeat(257))), '4000014'],
    ['a pattern with U+0000', selecting(regexp('a\u0000')), '4000014'],
    ['a pattern with half a surrogate pair', selecting(regexp('\ud800')), '4000014'],
    ...['(', 'a)', '[a', '*', 'a**', '\\', '(?=a)', '(?<!a)b', '(a)\\1', '(?P<n', 'a{1001}', '[z-a]', '\\p{X}'].map(
      pattern => [`the expression ${pattern}`, selecting(regexp(pattern)), '4000014'] as const,
    ),
    ['a pattern that repeats too much', selecting(regexp('(a{50}){50}{50}')), '4000014'],
    [
      'patterns that are too much together',
      selecting(...Array.from({ length: 50 }, (_, index) => regexp(`[ab]{${100 + index}}`))),
      '4000014',
    ],
  ])('%s is 400', async (...[_what, body, code]) => {
    const refused = await server.ask(owner, `POST ${at}`, body)
    expect([refused.status, refused.code]).toEqual([400, code])
    expect((await server.ask(owner, `GET ${at}`)).body).toEqual([])
    const id = await create(tagRule('5'))
    const unchanged = await server.ask(owner, `PATCH ${at}/${id}`, body)
    expect([unchanged.status, unchanged.code]).toEqual([400, code])
    expect((await server.ask(owner, `GET ${at}/${id}`)).body.rules).toEqual([tagRule('5')])
  })

  test('a megabyte of patterns is refused in a moment', async () => {
    const before = process.cpuUsage()
    for (const body of [
      selecting(regexp('(a+)+'.repeat(200_000))),
      selecting(label('v'.repeat(1_000_000))),
      selecting(...Array.from({ length: 25_000 }, () => regexp('(a|a)*b'))),
      policyOf(...Array.from({ length: 10_000 }, () => tagRule('5'))),
    ]) {
      const refused = await server.ask(owner, `POST ${at}`, body)
      expect([refused.status, refused.code]).toEqual([400, '4000014'])
    }
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(2_000)
  })

  test('a second one is 409, of 20 at once all but one are', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => server.ask(owner, `POST ${at}`, policyOf(tagRule('5')))),
    )
    expect(answers.map(answer => answer.status).sort()).toEqual([201, ...Array.from({ length: 19 }, () => 409)])
    expect(answers.find(answer => answer.status === 409)?.code).toBe('4090089')
    expect((await server.ask(owner, `GET ${at}`)).body).toHaveLength(1)
  })

  test('a new one behind a deleted one has another id', async () => {
    const first = await create(tagRule('5'))
    await server.ask(owner, `DELETE ${at}/${first}`)
    expect(await create(dateRule('5'))).toBeGreaterThan(first)
  })

  test('a change is 201 {}, and templates stay', async () => {
    const id = await create(dateRule('30'), tagRule('5'))
    const rules = [dateRule('7', label('v1')), tagRule('3', regexp('^v'))]
    const changed = await server.ask(owner, `PATCH ${at}/${id}`, policyOf(...rules))
    expect([changed.status, changed.text]).toEqual([201, '{}'])
    expect((await server.ask(owner, `GET ${at}/${id}`)).body.rules).toEqual(rules)
    for (const others of [[tagRule('3')], [tagRule('3'), dateRule('7')], [dateRule('7')], [...rules, tagRule('9')]]) {
      const refused = await server.ask(owner, `PATCH ${at}/${id}`, policyOf(...others))
      expect([refused.status, refused.code]).toEqual([400, '4000014'])
    }
    expect((await server.ask(owner, `GET ${at}/${id}`)).body.rules).toEqual(rules)
  })

  test('deleting one is 200 {}, and deleting it again 400 4000306 in errors[0]', async () => {
    const id = await create(tagRule('5'))
    const removed = await server.ask(owner, `DELETE ${at}/${id}`)
    expect([removed.status, removed.text, removed.headers.get('content-type')]).toEqual([200, '{}', 'application/json'])
    const again = await server.ask(owner, `DELETE ${at}/${id}`)
    expect([again.status, again.body.errors[0].errorCode]).toEqual([400, 'SVCSTG.SWR.4000306'])
    expect((await server.ask(owner, `GET ${at}`)).text).toBe('[]')
  })

  test('one that is not there is 404 to read and to change', async () => {
    const id = await create(tagRule('5'))
    for (const missing of [id + 1, 0, '-1', 'x', '1e1', '0x1', '9'.repeat(30), `0${id}x`]) {
      const shown = await server.ask(owner, `GET ${at}/${missing}`)
      const changed = await server.ask(owner, `PATCH ${at}/${missing}`, policyOf(tagRule('5')))
      const removed = await server.ask(owner, `DELETE ${at}/${missing}`)
      expect([shown, changed, removed].map(({ status, code }) => [status, code])).toEqual([
        ...[
          [404, '4000306'],
          [404, '4000306'],
          [400, '4000306'],
        ],
      ])
    }
  })

  test('is found through its own repository only', async () => {
    const id = await create(tagRule('5'))
    await server.ask(owner, `POST /v2/manage/namespaces/${organization}/repos`, {
      repository: 'other',
      is_public: false,
    })
    const other = `/v2/manage/namespaces/${organization}/repos/other/retentions`
    for (const call of [`GET ${other}/${id}`, `PATCH ${other}/${id}`, `DELETE ${other}/${id}`]) {
      const refused = await server.ask(owner, call, call.startsWith('PATCH') ? policyOf(tagRule('1')) : undefined)
      expect(refused.code).toBe('4000306')
    }
    expect((await server.ask(owner, `GET ${at}/${id}`)).status).toBe(200)
  })

  test('goes with its repository, and so does its history', async () => {
    await pushDaily('a', 'b')
    const id = await create(tagRule('1'))
    expect((await history()).body.total).toBe(1)
    const repository = at.slice(0, -'/retentions'.length)
    await server.ask(owner, `DELETE ${repository}`)
    for (const call of [`GET ${at}`, `GET ${at}/${id}`, `GET ${at}/histories`, `DELETE ${at}/${id}`]) {
      const refused = await server.ask(owner, call)
      expect([refused.status, refused.code]).toEqual([404, '4040010'])
    }
    await server.ask(owner, `POST /v2/manage/namespaces/${organization}/repos`, {
      repository: 'app/r',
      is_public: false,
    })
    expect((await server.ask(owner, `GET ${at}`)).text).toBe('[]')
    expect((await history()).body.total).toBe(0)
  })

  test('applies at once when it is made, and tells what went', async () => {
    await pushDaily('v1', 'v2', 'v3', 'v4')
    const rule = tagRule('2', label('v1'))
    const id = await create(rule)
    expect(await images.tags('app/r')).toEqual(['v1', 'v3', 'v4'])
    const { body, headers } = await history()
    retentionHistoryView.strict().parse(body)
    const [entry] = body.retention_log
    expect(body).toEqual({
      retention_log: [
        {
          id: entry.id,
          created_at: entry.created_at,
          namespace: organization,
          repo: 'app/r',
          retention_id: id,
          rule_type: JSON.stringify(rule),
          tag: 'v2',
        },
      ],
      total: 1,
    })
    expect(headers.get('content-range')).toBe('0-1/1')
  })

  test('applies at once when it is changed, and each line names the rule of its time', async () => {
    await pushDaily('v1', 'v2', 'v3', 'v4')
    const id = await create(tagRule('3'))
    await server.ask(owner, `PATCH ${at}/${id}`, policyOf(tagRule('1', regexp('3$'))))
    expect(await images.tags('app/r')).toEqual(['v3', 'v4'])
    const { retention_log: log, total } = (await history()).body
    expect(log.map((entry: Record<string, string>) => [entry.tag, entry.rule_type])).toEqual([
      ['v2', JSON.stringify(tagRule('1', regexp('3$')))],
      ['v1', JSON.stringify(tagRule('3'))],
    ])
    expect(total).toBe(2)
    await server.ask(owner, `DELETE ${at}/${id}`)
    expect((await history()).body.total).toBe(2)
  })

  test('days count from the last push, also of what is there already', async () => {
    await pushDaily('old', 'again', 'a', 'b', 'c', 'd', 'new')
    await images.push('app/r', 'again')
    await create(dateRule('5'))
    expect(await images.tags('app/r')).toEqual(['a', 'again', 'b', 'c', 'd', 'new'])
  })

  test('the history comes in pages, newest first, by plain parameters or in a filter', async () => {
    await pushDaily('v1', 'v2', 'v3', 'v4', 'v5', 'v6')
    await create(tagRule('1'))
    const all = (await history()).body.retention_log.map((entry: { tag: string }) => entry.tag)
    expect(all.toSorted()).toEqual(['v1', 'v2', 'v3', 'v4', 'v5'])
    for (const [query, from, to] of [
      ['?limit=2&offset=1', 1, 3],
      ['?filter=limit::2|offset::4', 4, 5],
      ['?filter=limit%3A%3A2%7Coffset%3A%3A0', 0, 2],
      ['?offset=5', 5, 5],
      ['?limit=1000&offset=999999999999999', 999_999_999_999_999, 5],
    ] as const) {
      const { body, headers } = await history(query)
      const page = all.slice(from, to)
      expect(body.retention_log.map((entry: { tag: string }) => entry.tag)).toEqual(page)
      expect([body.total, headers.get('content-range')]).toEqual([5, `${from}-${page.length}/5`])
    }
    for (const [query, code] of [
      ['?limit=0', '4000056'],
      ['?limit=1001', '4000056'],
      ['?offset=-1', '4000056'],
      ['?limit=x', '4000056'],
      ['?filter=tag::x', '4001035'],
      ['?filter=limit', '4001035'],
    ]) {
      const refused = await history(query)
      expect([refused.status, refused.code]).toEqual([400, code])
    }
  })

  test('of each image that goes one event tells, and that the policy did it', async () => {
    await pushDaily('v1', 'v2', 'v3')
    const made = await server.ask(owner, `POST ${at}`, policyOf(tagRule('1')))
    const changed = await server.ask(owner, `PATCH ${at}/${made.body.id}`, policyOf(tagRule('2')))
    const removed = await server.ask(owner, `DELETE ${at}/${made.body.id}`)
    const eventsOf = async (answer: typeof made) => {
      const rows = await server.db.read
        .selectFrom('events')
        .select(['kind', 'actor_id', 'actor_name', 'detail'])
        .where('request_id', '=', answer.headers.get('x-request-id') ?? '')
        .orderBy('id')
        .execute()
      return rows.map(row => [row.kind, row.actor_id, row.actor_name, JSON.parse(row.detail).tag ?? ''])
    }
    const policy = `retention policy ${made.body.id}`
    const told = await eventsOf(made)
    expect(told[0]).toEqual(['retention.created', owner.id, 'owner', ''])
    expect(told.filter(([kind]) => kind === 'tag.deleted').sort()).toEqual([
      ['tag.deleted', '', policy, 'v1'],
      ['tag.deleted', '', policy, 'v2'],
    ])
    expect(told.slice(1).every(([, id, name]) => id === '' && name === policy)).toBe(true)
    expect(await eventsOf(changed)).toEqual([['retention.updated', owner.id, 'owner', '']])
    expect(await eventsOf(removed)).toEqual([['retention.deleted', owner.id, 'owner', '']])
    const moves = await server.db.read
      .selectFrom('tag_history')
      .select(['tag', 'actor_name'])
      .where('repository_id', '=', await images.repositoryId('app/r'))
      .where('digest_after', 'is', null)
      .orderBy('tag')
      .execute()
    expect(moves).toEqual([
      { tag: 'v1', actor_name: policy },
      { tag: 'v2', actor_name: policy },
    ])
  })

  test('while the registry is read-only none is made, changed or deleted, and all is shown', async () => {
    const id = await create(tagRule('5'))
    const operator = { caller: { kind: 'operator', name: 'root' }, origin: requesterOf(owner).origin } as const
    await beginMaintenance(server, operator, 'new disks')
    for (const [call, body] of [
      [`POST ${at}`, policyOf(tagRule('1'))],
      [`PATCH ${at}/${id}`, policyOf(tagRule('1'))],
      [`DELETE ${at}/${id}`, undefined],
    ] as const) {
      const refused = await server.ask(owner, call, body)
      expect([refused.status, refused.code]).toEqual([403, '4031033'])
    }
    for (const path of [at, `${at}/${id}`, `${at}/histories`]) {
      expect((await server.ask(owner, `GET ${path}`)).status).toBe(200)
    }
    await endMaintenance(server, operator)
  })
})

function requesterOf(user: TestUser) {
  const { id: userId, name: userName, accountId, accountName, epoch: userEpoch } = user
  return {
    caller: { kind: 'user', userId, userName, accountId, accountName, userEpoch },
    origin: { requestId: 'test', sourceAddress: '' },
  } as const
}
