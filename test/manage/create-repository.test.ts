import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { sql } from 'kysely'
import { errorEnvelope } from '../../src/protocol/manage/envelope.ts'
import { describeEngines } from '../databases.ts'
import { bodyLimitBytes, type ManageServer, startManageServer, type TestUser } from './server.ts'

const asOnThePage = {
  repository: 'busybox',
  category: 'linux',
  description: 'this is a busybox repository',
  is_public: true,
}

describeEngines('creating an image repository', (_engine, open) => {
  let server: ManageServer
  let owner: TestUser
  let reader: TestUser
  let stranger: TestUser
  let group: string
  let create: string

  beforeAll(async () => {
    server = await startManageServer(open)
    owner = await server.addUser('owner')
    reader = await server.addUser('reader')
    stranger = await server.addUser('user1', { account: 'OTC111', isAdministrator: true })
  })
  afterAll(() => server.stop())

  let round = 0
  beforeEach(async () => {
    round += 1
    group = `group${round}`
    create = `POST /v2/manage/namespaces/${group}/repos`
    await server.ask(owner, 'POST /v2/manage/namespaces', { namespace: group })
  })

  async function show(name: string) {
    return (await server.ask(owner, `GET /v2/manage/namespaces/${group}/repos/${name.replaceAll('/', '$')}`)).body
  }

  async function namesIn(organization: string): Promise<string[]> {
    const { body } = await server.ask(owner, `GET /v2/manage/repos?namespace=${organization}`)
    return body.map((repository: { name: string }) => repository.name)
  }

  test('the JSON of the page is answered 201 with exactly {} and makes the repository', async () => {
    const made = await server.ask(owner, create, asOnThePage)
    expect([made.status, made.text]).toEqual([201, '{}'])
    expect(made.headers.get('content-type')).toBe('application/json')
    expect(made.headers.get('x-request-id')).toBeTruthy()
    expect(await show('busybox')).toMatchObject({
      name: 'busybox',
      category: 'linux',
      description: 'this is a busybox repository',
      is_public: true,
      creator_name: 'owner',
    })
  })

  test('the multipart form of the page has the same answer and effect', async () => {
    const form = new FormData()
    for (const [name, value] of Object.entries(asOnThePage)) form.set(name, String(value))
    const made = await server.ask(owner, create, form)
    expect([made.status, made.text]).toEqual([201, '{}'])
    expect(made.headers.get('content-type')).toBe('application/json')
    const { repository: _name, ...settings } = asOnThePage
    expect(await show('busybox')).toMatchObject(settings)
  })

  test('a urlencoded form has the same answer and effect', async () => {
    const made = await server.ask(owner, create, 'repository=a%2Fb&is_public=false&description=%C3%BC+%26', {
      'content-type': 'application/x-www-form-urlencoded',
    })
    expect([made.status, made.text]).toEqual([201, '{}'])
    expect(await show('a/b')).toMatchObject({ name: 'a/b', description: 'ü &', is_public: false, category: '' })
  })

  test.each([
    ['none', undefined],
    ['one with a charset', 'application/json;charset=utf-8'],
    ['the one that SWR’s pages print', 'charset=utf-8 application/json'],
  ])('JSON is taken with this content type: %s', async (_which, type) => {
    const bytes = new TextEncoder().encode(JSON.stringify(asOnThePage))
    const made = await server.ask(owner, create, bytes, type === undefined ? {} : { 'content-type': type })
    expect(made.status).toBe(201)
  })

  test('without category and description both are shown as ""', async () => {
    const made = await server.ask(owner, create, { repository: 'plain', is_public: false })
    expect(made.status).toBe(201)
    expect(await show('plain')).toMatchObject({ category: '', description: '' })
  })

  test('null is as good as absent, an empty category is none, and arms is kept as arm', async () => {
    await server.ask(owner, create, { repository: 'a', is_public: false, category: null, description: null })
    await server.ask(owner, create, { repository: 'b', is_public: false, category: '', description: '' })
    await server.ask(owner, create, { repository: 'c', is_public: false, category: 'arms' })
    const shown = [await show('a'), await show('b'), await show('c')]
    expect(shown.map(({ category, description }) => [category, description])).toEqual([
      ['', ''],
      ['', ''],
      ['arm', ''],
    ])
  })

  test('every name of the grammar is taken and comes back as it was sent', async () => {
    const names = [
      'busybox',
      '0ad',
      'a',
      'a/b',
      'my-app/sub.module_v2',
      'one/two/three',
      'a__b',
      'a--b',
      'x'.repeat(128),
    ]
    for (const repository of names) {
      expect((await server.ask(owner, create, { repository, is_public: false })).status).toBe(201)
      expect((await show(repository)).name).toBe(repository)
    }
  })

  test.each([
    ['MyApp', 'holds "M"'],
    ['my-app/', 'ends with a lowercase letter or digit'],
    ['/my-app', 'starts with a lowercase letter or digit'],
    ['my.app./v2', 'separators may not stand next to each other in a repository name: "./"'],
    ['a//b', '"//"'],
    ['a___b', 'at most two underscores'],
    ['a._b', '"._"'],
    ['app-', 'ends with'],
    ['app:1', 'holds ":"'],
    ['a$b', 'holds "$"'],
    ['a b', 'holds U+0020'],
    ['a\u0000b', 'holds U+0000'],
    ['bücher', 'holds "ü"'],
    ['', '1 to 128 characters'],
  ])('the name %p is refused with 4001029 and the rule it breaks', async (repository, rule) => {
    const refused = await server.ask(owner, create, { repository, is_public: false })
    expect([refused.status, refused.code]).toEqual([400, '4001029'])
    expect(refused.detail).toContain(rule)
    expect(await namesIn(group)).toEqual([])
  })

  test.each([129, 1_000_000])(
    'a name of %i characters is refused with 4001029 and the rule it breaks',
    async length => {
      const refused = await server.ask(owner, create, { repository: 'x'.repeat(length), is_public: false })
      expect([refused.status, refused.code]).toEqual([400, '4001029'])
      expect(refused.detail).toBe(`a repository name has 1 to 128 characters, and this one has ${length}`)
    },
  )

  const repository = 'r'
  test.each<[string, unknown, string]>([
    ['is_public missing', { repository }, '4001014'],
    ['is_public null', { repository, is_public: null }, '4001014'],
    ['is_public text', { repository, is_public: 'true' }, '4001009'],
    ['is_public a number', { repository, is_public: 1 }, '4001009'],
    ['repository missing', { is_public: true }, '4001014'],
    ['repository null', { repository: null, is_public: true }, '4001014'],
    ['repository a number', { repository: 5, is_public: true }, '4001029'],
    ['repository an array', { repository: ['r'], is_public: true }, '4001029'],
    ['category of another type', { repository, is_public: true, category: 7 }, '4000014'],
    ['description of another type', { repository, is_public: true, description: {} }, '4000014'],
    ['description with U+0000', { repository, is_public: true, description: 'a\u0000' }, '4000014'],
    ['an array', [asOnThePage], '4000014'],
    ['null', null, '4000014'],
    ['text', '"busybox"', '4000014'],
    ['nothing', '', '4001018'],
    ['unparsable', '{"repository": "r", ', '4001018'],
    ['half a surrogate pair', '{"repository":"r","is_public":true,"description":"\\ud800"}', '4000014'],
    ['a million brackets', `${'['.repeat(500_000)}${']'.repeat(500_000)}`, '4000014'],
    ['fields in __proto__', '{"__proto__":{"repository":"r","is_public":true}}', '4001014'],
  ])('JSON that is wrong is 400 (%s)', async (...[_what, body, code]) => {
    const refused = await server.ask(owner, create, body, { 'content-type': 'application/json' })
    expect([refused.status, refused.code]).toEqual([400, code])
    expect(errorEnvelope.parse(refused.body).request_id).toBe(refused.headers.get('x-request-id') ?? '')
    expect(await namesIn(group)).toEqual([])
  })

  test('JSON that is not UTF-8 is 400', async () => {
    const bytes = Buffer.from('{"repository":"r","is_public":true,"description":"\u00ff"}', 'latin1')
    const refused = await server.ask(owner, create, bytes, { 'content-type': 'application/json' })
    expect([refused.status, refused.code]).toEqual([400, '4001018'])
  })

  test('of a key that is there twice the last counts', async () => {
    const body = '{"repository":"first","is_public":true,"repository":"last"}'
    expect((await server.ask(owner, create, body, { 'content-type': 'application/json' })).status).toBe(201)
    expect(await namesIn(group)).toEqual(['last'])
  })

  test('an unknown category is refused and the eight are told', async () => {
    const refused = await server.ask(owner, create, { repository, is_public: true, category: 'Linux' })
    expect([refused.status, refused.code]).toEqual([400, '4000014'])
    for (const category of ['app_server', 'linux', 'framework_app', 'database', 'lang', 'other', 'windows', 'arm']) {
      expect(refused.detail).toContain(category)
    }
  })

  const part = (name: string, value: string) =>
    `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
  const whole = `${part('repository', 'r')}${part('is_public', 'true')}`
  test.each([
    ['without its end', 'multipart/form-data; boundary=x', whole, '4001005'],
    ['with another boundary', 'multipart/form-data; boundary=y', `${whole}--x--\r\n`, '4001005'],
    ['without a boundary', 'multipart/form-data', `${whole}--x--\r\n`, '4001005'],
    ['of nothing', 'multipart/form-data; boundary=x', '', '4001005'],
    [
      'with is_public yes',
      'multipart/form-data; boundary=x',
      `${part('repository', 'r')}${part('is_public', 'yes')}--x--\r\n`,
      '4001009',
    ],
    ['with is_public True', 'application/x-www-form-urlencoded', 'repository=r&is_public=True', '4001009'],
    ['without is_public', 'application/x-www-form-urlencoded', 'repository=r', '4001014'],
    ['of another kind', 'text/plain', '{}', '4001018'],
    ['of XML', 'application/xml', '<a/>', '4001018'],
    ['of two words that hold json', 'text/json', '{}', '4001018'],
  ])('a form %s is 400', async (_what, type, body, code) => {
    const refused = await server.ask(owner, create, body, { 'content-type': type })
    expect([refused.status, refused.code]).toEqual([400, code])
    expect(await namesIn(group)).toEqual([])
  })

  test.each([
    ['repository', '4001029'],
    ['is_public', '4001009'],
    ['category', '4000014'],
    ['description', '4000014'],
  ])('a file where the text of %s belongs is 400', async (field, code) => {
    const form = new FormData()
    for (const [name, value] of Object.entries(asOnThePage)) form.set(name, String(value))
    form.set(field, new File(['true'], 'true'))
    const refused = await server.ask(owner, create, form)
    expect([refused.status, refused.code]).toEqual([400, code])
    expect(await namesIn(group)).toEqual([])
  })

  test('a description of 30,000 characters is kept, one more is 413', async () => {
    // Characters, not units of UTF-16: each of these takes two.
    const longest = '🐳'.repeat(30_000)
    expect((await server.ask(owner, create, { repository: 'a', is_public: true, description: longest })).status).toBe(
      201,
    )
    expect((await show('a')).description).toBe(longest)
    const refused = await server.ask(owner, create, { repository: 'b', is_public: true, description: `${longest}x` })
    expect([refused.status, refused.code]).toEqual([413, '4131012'])
    expect(await namesIn(group)).toEqual(['a'])
  })

  test.each([
    ['announced', `content-length: ${1 << 30}\r\n\r\n`],
    [
      'not announced',
      `transfer-encoding: chunked\r\n\r\n${'10000\r\n'.concat('x'.repeat(0x10000), '\r\n').repeat(20)}`,
    ],
  ])('a body above 1 MiB (%s) is 413 and the connection is not read to its end', async (_how, rest) => {
    const [, path] = create.split(' ')
    const answer = await sendRaw(`POST ${path} HTTP/1.1\r\nhost: x\r\nx-auth-token: ${owner.token}\r\n${rest}`)
    expect(answer).toStartWith('HTTP/1.1 413 ')
    expect(answer).toContain('SVCSTG.SWR.4131001')
  })

  test('nothing of a body is read for nobody in particular', async () => {
    const [, path] = create.split(' ')
    const answer = await sendRaw(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${1 << 30}\r\n\r\n`)
    expect(answer).toStartWith('HTTP/1.1 401 ')
  })

  /** What comes back until the server closes the connection. */
  function sendRaw(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let received = ''
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(text))
      socket.on('data', data => {
        received += data
      })
      socket.on('close', () => resolve(received))
      // Closing while bytes come resets the connection; what was answered stands.
      socket.on('error', error => (received === '' ? reject(error) : undefined))
    })
  }

  test('a body of exactly the limit is read', async () => {
    const body = JSON.stringify(asOnThePage).padEnd(bodyLimitBytes, ' ')
    expect((await server.ask(owner, create, body, { 'content-type': 'application/json' })).status).toBe(201)
  })

  test('without credentials it is 401 S2I.4019000, with bad ones 4010000', async () => {
    const nobody = await server.ask(undefined, create, asOnThePage)
    expect([nobody.status, nobody.body.error_code]).toEqual([401, 'SVCSTG.S2I.4019000'])
    const wrong = await server.ask({ ...owner, token: 'no-such-token' }, create, asOnThePage)
    expect([wrong.status, wrong.body.error_code]).toEqual([401, 'SVCSTG.SWR.4010000'])
  })

  test('a token that has expired is 401 4010000', async () => {
    const late = await server.addUser(`late${round}`)
    server.clock.passMs(25 * 3_600_000)
    const refused = await server.ask(late, create, asOnThePage)
    expect([refused.status, refused.body.error_code]).toEqual([401, 'SVCSTG.SWR.4010000'])
    server.clock.passMs(-25 * 3_600_000)
  })

  test('wrong credentials come before a wrong body', async () => {
    expect((await server.ask(undefined, create, '{')).status).toBe(401)
  })

  test('an organization that is not there, of another account or without any right in it is the same 404', async () => {
    await server.ask(stranger, 'POST /v2/manage/namespaces', { namespace: `foreign${round}` })
    const answers = await Promise.all([
      server.ask(reader, `POST /v2/manage/namespaces/nowhere${round}/repos`, asOnThePage),
      server.ask(reader, `POST /v2/manage/namespaces/foreign${round}/repos`, asOnThePage),
      server.ask(reader, create, asOnThePage),
      server.ask(stranger, create, asOnThePage),
    ])
    const seen = answers.map(({ status, text, body }) => {
      const named = [body.request_id, group, `nowhere${round}`, `foreign${round}`]
      return [status, named.reduce((rest, name) => rest.replaceAll(name, '*'), text)]
    })
    expect(seen.map(([status]) => status)).toEqual([404, 404, 404, 404])
    expect(new Set(seen.map(([, text]) => text)).size).toBe(1)
    expect(answers[0]?.code).toBe('4040058')
  })

  test('who sees the organization but may not edit it gets 403', async () => {
    await server.ask(owner, `POST /v2/manage/namespaces/${group}/access`, [
      { user_id: reader.id, user_name: reader.name, auth: 1 },
    ])
    const refused = await server.ask(reader, create, asOnThePage)
    expect([refused.status, refused.code]).toEqual([403, '4037017'])
  })

  test('a wrong body is told before a missing right, and a missing right before a taken name', async () => {
    await server.ask(owner, create, asOnThePage)
    expect((await server.ask(stranger, create, {})).code).toBe('4001014')
    expect((await server.ask(stranger, create, asOnThePage)).code).toBe('4040058')
  })

  test('a name that is taken is 409, and what is there stays as it is', async () => {
    await server.ask(owner, create, asOnThePage)
    const refused = await server.ask(owner, create, { repository: 'busybox', is_public: false, description: 'other' })
    expect([refused.status, refused.code]).toEqual([409, '4090006'])
    expect(await show('busybox')).toMatchObject({ is_public: true, description: asOnThePage.description })
  })

  test('of 50 creates of one name at once exactly one is 201 and 49 are 409', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => server.ask(owner, create, asOnThePage)))
    const statuses = answers.map(answer => answer.status).sort()
    expect(statuses).toEqual([201, ...Array.from({ length: 49 }, () => 409)])
    expect(await namesIn(group)).toEqual(['busybox'])
    const shown = await server.ask(owner, `GET /v2/manage/namespaces/${group}`)
    expect(shown.body.repo_count).toBe(1)
  })

  test('fields that nobody knows are ignored', async () => {
    const body = { ...asOnThePage, domain_id: 'x', id: 1, creator_name: 'somebody else', constructor: 1 }
    expect((await server.ask(owner, create, body)).status).toBe(201)
    expect(await show('busybox')).toMatchObject({ creator_name: 'owner' })
    const form = new FormData()
    for (const [name, value] of Object.entries({ repository: 'form', is_public: 'true' })) form.set(name, value)
    form.set('unknown', new File(['x'], 'x'))
    expect((await server.ask(owner, create, form)).status).toBe(201)
  })

  test('the creation is told by one event with who and where from', async () => {
    const made = await server.ask(owner, create, asOnThePage)
    const events = await server.db.read
      .selectFrom('events')
      .selectAll()
      .where('request_id', '=', made.headers.get('x-request-id') ?? '')
      .execute()
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({
      kind: 'repository.created',
      account_id: owner.accountId,
      actor_id: owner.id,
      actor_name: 'owner',
      source_address: '127.0.0.1',
    })
  })
})

describeEngines('creating an image repository while the database fails', (_engine, open) => {
  test('is 500 with a request id, makes nothing by half and logs the cause once', async () => {
    const server = await startManageServer(open)
    const owner = await server.addUser('owner')
    await server.ask(owner, 'POST /v2/manage/namespaces', { namespace: 'group' })
    // The last thing that a creation writes has nowhere to go.
    await server.db.write(tx => sql`alter table events rename to lost_events`.execute(tx))
    server.answered.length = 0
    const failed = await server.ask(owner, 'POST /v2/manage/namespaces/group/repos', asOnThePage)
    expect([failed.status, failed.code]).toEqual([500, '5000046'])
    const requestId = failed.headers.get('x-request-id') ?? ''
    expect(requestId).not.toBe('')
    expect(errorEnvelope.parse(failed.body).request_id).toBe(requestId)
    expect(failed.text).not.toMatch(/events|table|relation|insert|sql|\.ts/i)
    expect(server.answered).toHaveLength(1)
    expect(String(server.answered[0]?.exchange.log.error)).toMatch(/events/)
    const tables = ['repositories', 'repository_descriptions', 'repository_grants'] as const
    for (const table of tables) expect(await server.db.read.selectFrom(table).selectAll().execute()).toEqual([])
    await server.db.write(tx => sql`alter table lost_events rename to events`.execute(tx))
    expect((await server.ask(owner, 'POST /v2/manage/namespaces/group/repos', asOnThePage)).status).toBe(201)
    await server.stop()
  })

  test('showing one is 500 then as well, and says as little', async () => {
    const server = await startManageServer(open)
    const owner = await server.addUser('owner')
    await server.ask(owner, 'POST /v2/manage/namespaces', { namespace: 'group' })
    await server.ask(owner, 'POST /v2/manage/namespaces/group/repos', asOnThePage)
    await server.db.write(tx => sql`alter table repository_descriptions rename to lost_texts`.execute(tx))
    const failed = await server.ask(owner, 'GET /v2/manage/namespaces/group/repos/busybox')
    expect([failed.status, failed.code, failed.body.request_id]).toEqual([
      ...[500, '5000007'],
      failed.headers.get('x-request-id'),
    ])
    expect(failed.text).not.toMatch(/description|table|relation|select|sql|\.ts/i)
    expect(String(server.answered.at(-1)?.exchange.log.error)).toMatch(/repository_descriptions/)
    await server.stop()
  })
})
