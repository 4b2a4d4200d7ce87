import { afterAll, beforeAll, expect, test } from 'bun:test'
import { errorEnvelope } from '../../src/protocol/manage/envelope.ts'
import { versionDetail } from '../../src/protocol/manage/versions.ts'
import { openSqliteForTest } from '../databases.ts'
import { type ManageServer, startManageServer, type TestUser } from './server.ts'

let server: ManageServer
let owner: TestUser

beforeAll(async () => {
  server = await startManageServer(openSqliteForTest)
  owner = await server.addUser('owner')
  await server.ask(owner, 'POST /v2/manage/namespaces', { namespace: 'group' })
})
afterAll(() => server.stop())

test('everything is there below /swr-api too', async () => {
  const namespaces = '/swr-api/v2/manage/namespaces'
  const made = await server.ask(owner, `POST ${namespaces}/group/repos`, { repository: 'a/b', is_public: true })
  expect([made.status, made.text]).toEqual([201, '{}'])
  expect((await server.ask(owner, `GET ${namespaces}/group/repos/a$b`)).body.name).toBe('a/b')
  expect((await server.ask(owner, 'GET /swr-api/v2/manage/repos?limit=1')).headers.get('content-range')).toBe('0-1/1')
})

test.each([
  ['/v2', 'https://swr.example.org/v2/'],
  ['/v2/', 'https://swr.example.org/v2/'],
  ['/swr-api/v2', 'https://swr.example.org/swr-api/v2/'],
  ['/swr-api/v2/', 'https://swr.example.org/swr-api/v2/'],
])('%s is the version document, without a login', async (path, href) => {
  const { status, body } = await server.ask(undefined, `GET ${path}`)
  expect(status).toBe(200)
  expect(versionDetail.strict().parse(body.version)).toMatchObject({ id: 'v2', links: { href, rel: 'self' } })
})

test.each([
  ['/', 'https://swr.example.org/v2/'],
  ['/swr-api', 'https://swr.example.org/swr-api/v2/'],
  ['/swr-api/', 'https://swr.example.org/swr-api/v2/'],
])('%s is the version list, without a login', async (path, href) => {
  const { status, body } = await server.ask(undefined, `GET ${path}`)
  expect(status).toBe(200)
  expect(body.versions).toMatchObject([{ id: 'v2', status: 'CURRENT', links: { href } }])
})

test.each([
  '/v1',
  '/v2/manage',
  '/v2/manage/',
  '/v2/manage/namespaces/',
  '/v2/manage/namespaces/group/repos/one/two',
  '/v2/manage/namespaces/group%2Fr/repos/one/two',
  '/v2/manage/nothing',
  '/v3/manage/namespaces/group/repos',
  '/swr-api/v9',
  '/swr-api/swr-api/v2',
  '/v2/manage/namespaces/group/repos/%E0%A4%A/access/x',
])('%s is 404 4040083', async path => {
  const { status, code, body } = await server.ask(owner, `GET ${path}`)
  expect([status, code]).toEqual([404, '4040083'])
  errorEnvelope.strict().parse(body)
})

test.each([
  ['PUT', '/v2/manage/namespaces', 'POST, GET'],
  ['PATCH', '/v2/manage/namespaces/group', 'GET, DELETE'],
  ['POST', '/v2/manage/repos', 'GET'],
  ['OPTIONS', '/v2/manage/namespaces/group/repos/r', 'GET, PATCH, DELETE'],
])('%s %s is 405 and names what is taken', async (method, path, allow) => {
  const { status, headers, body } = await server.ask(owner, `${method} ${path}`)
  expect([status, headers.get('allow')]).toEqual([405, allow])
  errorEnvelope.strict().parse(body)
})

test('an error has every form that clients read', async () => {
  const { body, headers } = await server.ask(owner, 'GET /v2/manage/namespaces/group/repos/nothing')
  const message = 'there is no repository group/nothing'
  expect(headers.get('content-type')).toBe('application/json')
  expect(body).toEqual({
    errors: [{ errorCode: 'SVCSTG.SWR.4040010', errorMessage: message, detail: '' }],
    ...{ errorCode: 'SVCSTG.SWR.4040010', errorMsg: message },
    ...{ error_code: 'SVCSTG.SWR.4040010', error_msg: message },
    details: [{ error_code: 'SVCSTG.SWR.4040010', error_msg: message }],
    request_id: headers.get('x-request-id'),
  })
})

test('names in the path that break the grammar are 400', async () => {
  const organization = await server.ask(owner, 'GET /v2/manage/namespaces/MyOrg')
  expect([organization.status, organization.code]).toEqual([400, '4001028'])
  for (const name of ['My$App', 'a$', '..%2F..%2Fetc', '%00', '%E0%A4%A', 'a%252Fb']) {
    const repository = await server.ask(owner, `GET /v2/manage/namespaces/group/repos/${name}`)
    expect([name, repository.status, repository.code]).toEqual([name, 400, '4001029'])
  }
})

test('HEAD is GET without the body', async () => {
  const response = await fetch(`${server.url}/v2/manage/namespaces`, {
    method: 'HEAD',
    headers: { 'x-auth-token': owner.token },
  })
  expect([response.status, await response.text()]).toEqual([200, ''])
})

test('the access line is given the route, the caller and the bytes', async () => {
  server.answered.length = 0
  const { text } = await server.ask(owner, 'GET /v2/manage/namespaces')
  expect(server.answered[0]?.exchange.log).toEqual({
    ...{ route: 'manage.organization.list', caller: 'OTC000/owner', bytes: Buffer.byteLength(text) },
  })
})
