import { afterAll, beforeAll, expect, test } from 'bun:test'
import { errorEnvelope } from '../../src/protocol/manage/envelope.ts'
import { addAccount, addPerson, disablePerson } from '../people.ts'
import { administerBeside, credentials, describeServers, startTestServer, type TestServer } from '../server.ts'
import { type SigningKey, sign, type Unsigned } from './sign.ts'

const minuteMs = 60_000

describeServers('calls that are signed with an access key', engine => {
  let server: TestServer
  const passedMs = 0
  const clock = { nowMs: () => Date.now() + passedMs }
  beforeAll(async () => {
    server = await startTestServer(engine, { STOWER_TRUSTED_PROXIES: '127.0.0.1' }, { clock })
  })
  afterAll(() => server.stop())

  type Options = Partial<Parameters<typeof sign>[2]>
  const signedHeaders = (unsigned: Unsigned, options: Options = {}, key: SigningKey = credentials) =>
    sign(key, unsigned, { host: server.host, at: clock.nowMs(), ...options })
  /** Sends a request with these headers, whatever they are. */
  const send = async ({ method, path, body }: Unsigned, headers: Record<string, string>) => {
    const response = await fetch(`${server.url}${path}`, { method, headers, ...(body !== undefined && { body }) })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }
  const call = (unsigned: Unsigned, options: Options = {}, key?: SigningKey) =>
    send(unsigned, signedHeaders(unsigned, options, key))
  const list: Unsigned = { method: 'GET', path: '/v2/manage/namespaces' }
  const create = (namespace: string): Unsigned => ({
    method: 'POST',
    path: '/v2/manage/namespaces',
    body: `{"namespace":"${namespace}"}\n`,
    headers: { 'content-type': 'application/json' },
  })
  const names = async () => (await call(list)).body.namespaces.map((each: { name: string }) => each.name)

  test.each([
    '/v2/manage/namespaces',
    '/swr-api/v2/manage/namespaces',
    '/v2/manage/repos?limit=1&offset=0',
    '/v3/manage/repos',
    '/v3/projects?name=eu-de',
    '/v3/auth/projects',
    '/v3/auth/catalog',
    '/v3/auth/domains',
    '/v3/users',
    '/iam/v3/users',
  ])('GET %s is answered as to a token', async path => {
    const { status } = await call({ method: 'GET', path })
    expect(status).toBe(200)
  })

  test('/v2/ with a signature is SWR’s version document', async () => {
    const { body } = await call({ method: 'GET', path: '/v2/' })
    expect(body.version.id).toBe('v2')
  })

  test('a body is held against the signature and then read as it came', async () => {
    const request = create('signed')
    expect((await call(request)).status).toBe(201)
    const headers = signedHeaders(create('other'))
    for (const body of [create('forged').body, create('other').body?.trimEnd(), '', undefined]) {
      expect(
        (
          await send(
            { ...create('other'), ...(body === undefined ? {} : { body }), path: '/v2/manage/namespaces' },
            headers,
          )
        ).status,
      ).toBe(body === undefined ? 201 : 401)
    }
    expect(await names()).toEqual(['other', 'signed'])
  })

  test('a body that is larger than the limit is 413, signed or not', async () => {
    const request = { ...create('large'), body: ' '.repeat(1_100_000) }
    expect((await call(request)).status).toBe(413)
  })

  test('a signature that does not hold is APIGW.0301 in every form that clients read', async () => {
    const { status, headers, body } = await call(list, {}, { ...credentials, secretKey: 'another' })
    expect(status).toBe(401)
    errorEnvelope.strict().parse(body)
    expect(body).toMatchObject({
      error_code: 'APIGW.0301',
      error_msg: expect.stringMatching(/^Incorrect IAM authentication information: /),
      errorCode: 'APIGW.0301',
      errors: [{ errorCode: 'APIGW.0301' }],
      request_id: headers.get('x-request-id'),
    })
    const identity = await call({ method: 'GET', path: '/v3/projects' }, {}, { ...credentials, secretKey: 'another' })
    expect([identity.status, identity.body.error.code, identity.body.error_code]).toEqual([401, 401, 'APIGW.0301'])
    expect(identity.body.error_msg).toMatch(/^Incorrect IAM authentication information: the access key is unknown/)
  })

  const shifted = (ms: number): Options => ({ at: clock.nowMs() + ms })
  const withHeader = (name: string, value: string): Unsigned => ({ ...list, headers: { [name]: value } })
  const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

  test.each<[string, Options, Unsigned]>([
    ['14 minutes old', shifted(-14 * minuteMs), list],
    ['14 minutes ahead', shifted(14 * minuteMs), list],
    ['of the date alone', { signed: ['x-sdk-date'] }, list],
    ['of a header with colons', {}, withHeader('x-note', 'a:b:c')],
    ['of no body, said to be of none', { payload: emptyHash }, withHeader('x-sdk-content-sha256', 'UNSIGNED-PAYLOAD')],
    ['with the hash of the body', { payload: emptyHash }, withHeader('x-sdk-content-sha256', emptyHash)],
  ])('a signature %s is taken', async (_what, options, request) => {
    expect((await call(request, options)).status).toBe(200)
  })

  const resigned = (change: (headers: Record<string, string>) => Record<string, string | undefined>) => async () => {
    const changed = Object.entries(change(signedHeaders(list))).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    )
    return send(list, Object.fromEntries(changed))
  }
  test.each<[string, () => Promise<{ status: number; body: { error_code: string; error_msg: string } }>, RegExp]>([
    ['16 minutes old', () => call(list, shifted(-16 * minuteMs)), /15 minutes/],
    ['16 minutes ahead', () => call(list, shifted(16 * minuteMs)), /15 minutes/],
    ['without its date', resigned(headers => ({ ...headers, 'x-sdk-date': undefined })), /X-Sdk-Date/],
    [
      'with another date',
      resigned(headers => ({
        ...headers,
        'x-sdk-date':
          headers['x-sdk-date']?.replace(/..Z$/, '00Z') === headers['x-sdk-date']
            ? '20200101T000000Z'
            : headers['x-sdk-date']?.replace(/..Z$/, '00Z'),
      })),
      /access key is unknown|15 minutes/,
    ],
    ['with a date that is none', resigned(headers => ({ ...headers, 'x-sdk-date': '20261340T000000Z' })), /X-Sdk-Date/],
    ['that leaves its date out', () => call(list, { signed: ['host'] }), /X-Sdk-Date/],
    [
      'of a header that did not come',
      resigned(headers => ({ ...headers, authorization: headers.authorization?.replace('host;', 'host;x-note;') })),
      /x-note did not come/,
    ],
    [
      'of an unknown access key',
      () => call(list, {}, { ...credentials, accessKey: 'AKNOTTHERE0000000000' }),
      /access key is unknown/,
    ],
    [
      'of another body’s hash',
      () => call({ ...create('x'), headers: { 'x-sdk-content-sha256': emptyHash } }, { payload: emptyHash }),
      /not the hash of the body/,
    ],
    [
      'that leaves out the body, without TLS',
      () =>
        call(
          { ...create('x'), headers: { 'x-sdk-content-sha256': 'UNSIGNED-PAYLOAD' } },
          { payload: 'UNSIGNED-PAYLOAD' },
        ),
      /TLS/,
    ],
    [
      'by SM3',
      resigned(headers => ({ ...headers, authorization: headers.authorization?.replace('SHA256', 'SM3') })),
      /SDK-HMAC-SM3 is not taken here: sign with SDK-HMAC-SHA256/,
    ],
    [
      'by an elliptic curve',
      resigned(headers => ({
        ...headers,
        authorization: headers.authorization?.replace('SDK-HMAC-SHA256', 'SDK-ECDSA-P256-SHA256'),
      })),
      /SDK-ECDSA-P256-SHA256 is not taken/,
    ],
    [
      'in another spelling',
      resigned(headers => ({ ...headers, authorization: headers.authorization?.replace('Signature=', 'Signature= ') })),
      /no signature/,
    ],
    [
      'in upper case',
      resigned(headers => ({
        ...headers,
        authorization: headers.authorization?.replace(/[0-9a-f]{64}$/, hex => hex.toUpperCase()),
      })),
      /no signature/,
    ],
    [
      'that names a header twice',
      resigned(headers => ({ ...headers, authorization: headers.authorization?.replace('host;', 'host;host;') })),
      /named twice/,
    ],
    ['for a project of nobody', () => call(withHeader('x-project-id', '0'.repeat(32))), /X-Project-Id/],
    ['for a project that can not be', () => call(withHeader('x-project-id', 'eu-de')), /X-Project-Id/],
    ['for another account', () => call(withHeader('x-domain-id', '0'.repeat(32))), /X-Domain-Id/],
  ])('a signature %s is refused', async (_what, ask, says) => {
    const { status, body } = await ask()
    expect([status, body.error_code]).toEqual([401, 'APIGW.0301'])
    expect(body.error_msg).toMatch(says)
  })

  test('project and account in the headers are held against those of the key, signed or added later', async () => {
    const [project] = (await call({ method: 'GET', path: '/v3/projects' })).body.projects
    const [domain] = (await call({ method: 'GET', path: '/v3/auth/domains' })).body.domains
    const right = { 'x-project-id': project.id, 'x-domain-id': domain.id }
    expect((await call({ ...list, headers: right })).status).toBe(200)
    expect((await send(list, { ...signedHeaders(list), ...right })).status).toBe(200)
    const other = await addAccount(server, `OTHER${engine.toUpperCase()}`)
    const key = await administerBeside(server, each =>
      each.createAccessKey({ account: other.account, user: other.name }),
    )
    const foreign = { accessKey: key.id, secretKey: key.secret }
    expect((await call(list, {}, foreign)).status).toBe(200)
    for (const headers of [{ 'x-project-id': project.id }, { 'x-domain-id': domain.id }]) {
      expect((await call({ ...list, headers }, {}, foreign)).status).toBe(401)
    }
  })

  test('the key of a user who is disabled, and one that is disabled itself, are as unknown', async () => {
    const person = await addPerson(server, 'leaving')
    const newKey = () => administerBeside(server, each => each.createAccessKey({ user: person.name }))
    const [one, other] = [await newKey(), await newKey()]
    const statusOf = async (key: typeof one) =>
      (await call(list, {}, { accessKey: key.id, secretKey: key.secret })).status
    expect([await statusOf(one), await statusOf(other)]).toEqual([200, 200])
    await administerBeside(server, each => each.setAccessKeyEnabled({ id: one.id, isEnabled: false }))
    expect([await statusOf(one), await statusOf(other)]).toEqual([401, 200])
    await disablePerson(server, person)
    expect([await statusOf(one), await statusOf(other)]).toEqual([401, 401])
  })

  test('who signs has the rights of the key’s user and no more', async () => {
    expect((await call(create('of-the-first'))).status).toBe(201)
    const person = await addPerson(server, 'signing')
    const key = await administerBeside(server, each => each.createAccessKey({ user: person.name }))
    const theirs = { accessKey: key.id, secretKey: key.secret }
    expect((await call(list, {}, theirs)).body.namespaces).toEqual([])
    expect((await call({ method: 'DELETE', path: '/v2/manage/namespaces/of-the-first' }, {}, theirs)).status).toBe(404)
  })

  test('of a body that nobody signed a trusted proxy has to say that it came over TLS', async () => {
    const unsigned = { ...create('behind-tls'), headers: { 'x-sdk-content-sha256': 'UNSIGNED-PAYLOAD' } }
    const headers = signedHeaders(unsigned, { payload: 'UNSIGNED-PAYLOAD' })
    expect((await send(unsigned, { ...headers, 'x-forwarded-proto': 'http' })).status).toBe(401)
    expect((await send(unsigned, { ...headers, 'x-forwarded-proto': 'https' })).status).toBe(201)
  })

  test('behind a trusted proxy the host that was signed may be the one it forwards', async () => {
    const headers = signedHeaders(list, { host: 'swr.example.org' })
    const { host: _, ...rest } = headers
    expect((await send(list, rest)).status).toBe(401)
    expect((await send(list, { ...rest, 'x-forwarded-host': 'swr.example.org' })).status).toBe(200)
  })

  test('a signature is no login to the registry', async () => {
    const request = { method: 'GET', path: '/v2/_catalog' }
    expect((await call(request)).status).toBe(401)
  })

  test('the access line of a signed call names its user', async () => {
    await call(list)
    const line = server.log.map(each => JSON.parse(each)).findLast(each => each.route === 'manage.organization.list')
    expect(line).toMatchObject({ caller: `${credentials.account}/${credentials.user}`, status: 200 })
  })
})

test('what a proxy says that nobody trusts makes no connection secure and no host another', async () => {
  const server = await startTestServer('sqlite')
  try {
    const path = '/v2/manage/namespaces'
    const options = { host: server.host, at: Date.now() }
    const payload = 'UNSIGNED-PAYLOAD'
    const unsigned = { method: 'GET', path, headers: { 'x-sdk-content-sha256': payload } }
    const statusOf = async (headers: Record<string, string>) =>
      (await fetch(`${server.url}${path}`, { headers })).status
    const insecure = sign(credentials, unsigned, { ...options, payload })
    expect(await statusOf({ ...insecure, 'x-forwarded-proto': 'https' })).toBe(401)
    const { host: _, ...elsewhere } = sign(
      credentials,
      { method: 'GET', path },
      { ...options, host: 'swr.example.org' },
    )
    expect(await statusOf({ ...elsewhere, 'x-forwarded-host': 'swr.example.org' })).toBe(401)
  } finally {
    await server.stop()
  }
})
