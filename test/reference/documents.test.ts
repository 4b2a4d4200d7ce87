import { afterAll, beforeAll, expect, test } from 'bun:test'
import { managementDocument, registryDocument } from '../../src/app/api-documents.ts'
import { endpointMethods } from '../../src/protocol/oci/routes.ts'
import { iamOperations } from '../../src/surfaces/iam/surface.ts'
import * as iamViews from '../../src/surfaces/iam/views.ts'
import { pathOf } from '../../src/surfaces/manage/operation.ts'
import { operations } from '../../src/surfaces/manage/surface.ts'
import { dockerTokenView } from '../../src/surfaces/token/reference.ts'
import { credentials, managementToken, startTestServer, type TestServer } from '../server.ts'

let server: TestServer
let token: string

beforeAll(async () => {
  server = await startTestServer('sqlite')
  token = await managementToken(server)
})
afterAll(() => server.stop())

const management = managementDocument()
const registry = registryDocument()
/** `GET /v2/x` of every call of a document. */
const callsOf = (document: typeof management) =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map(method => `${method.toUpperCase()} ${path}`),
  )

test.each([
  ['/openapi.json', management],
  ['/openapi-registry.json', registry],
])('%s is OpenAPI 3.1, without a login', async (path, document) => {
  const response = await fetch(`${server.url}${path}`)
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
  expect(await response.json()).toEqual(JSON.parse(JSON.stringify(document)))
  expect(document.openapi).toBe('3.1.0')
})

test('every operation of the management API is described, with its answer', () => {
  const described = new Set(callsOf(management).map(withoutNames))
  for (const operation of operations) {
    const call = `${operation.method} ${withoutNames(pathOf(operation).replaceAll(/:\w+/g, '{}'))}`
    expect([call, described.has(call)]).toEqual([call, true])
  }
})

test('every endpoint of the registry API is described for each of its methods', () => {
  const methods = callsOf(registry).map(call => call.split(' ')[0])
  const expected = Object.values(endpointMethods).flatMap(all => all.filter(method => method !== 'HEAD'))
  expect(methods.toSorted()).toEqual(expected.toSorted())
})

/** Calls of the identity API; its root is that of another API, too. */
function identityRoutes(): string[] {
  return iamOperations
    .filter(({ path }) => path !== '/')
    .map(({ method, path }) => `${method} ${path.replaceAll(/:\w+/g, '{}')}`)
}

test('every route of the identity API is described, and no other', () => {
  const described = callsOf(management)
    .filter(call => /^\w+ \/v3(?:\.0)?(?:\/(?!manage)|$)/.test(call))
    .map(withoutNames)
  expect(described.toSorted()).toEqual(identityRoutes().toSorted())
})

test.each([
  ['/v3', iamViews.versionView],
  ['/v3/auth/tokens', iamViews.tokenView],
  ['/v3/auth/catalog', iamViews.catalogView],
  ['/v3/projects', iamViews.projectsView],
  ['/v3/auth/projects', iamViews.projectsView],
  ['/v3/auth/domains', iamViews.domainsView],
  ['/v3/users', iamViews.usersView],
  ['/v3/roles', iamViews.rolesView],
  ['/v3/roles/0', iamViews.roleView],
  ['/v3/role_assignments', iamViews.roleAssignmentsView],
  ['/v3.0/OS-CREDENTIAL/credentials', iamViews.credentialsView],
])('GET %s answers what is described and nothing else', async (path, view) => {
  const response = await fetch(`${server.url}${path}`, {
    headers: { 'x-auth-token': token, 'x-subject-token': token },
  })
  const body = await response.json()
  expect(response.status).toBe(200)
  expect<unknown>(view.parse(body)).toEqual(body)
})

test('a user is answered as described', async () => {
  const headers = { 'x-auth-token': token }
  const users = iamViews.usersView.parse(await (await fetch(`${server.url}/v3/users`, { headers })).json())
  const [user] = users.users
  const shown = await (await fetch(`${server.url}/v3.0/OS-USER/users/${user?.id}`, { headers })).json()
  expect<unknown>(iamViews.userView.parse(shown)).toEqual(shown)
})

test('an error of the identity API is answered as described', async () => {
  const response = await fetch(`${server.url}/v3/users`)
  const body = await response.json()
  expect(response.status).toBe(401)
  expect<unknown>(iamViews.errorView.parse(body)).toEqual(body)
})

test('a docker token is answered as described', async () => {
  const response = await fetch(`${server.url}/swr/auth/v2/registry/auth?service=dockyard`, {
    headers: { authorization: `Basic ${btoa(`${credentials.user}:${credentials.password}`)}` },
  })
  const body = await response.json()
  expect<unknown>(dockerTokenView.parse(body)).toEqual(body)
})

function withoutNames(call: string): string {
  return call.replaceAll(/\{\w*\}/g, '{}')
}
