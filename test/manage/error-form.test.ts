import { afterAll, beforeAll, expect, test } from 'bun:test'
import { errorViews } from '../../src/protocol/manage/envelope.ts'
import { managementToken, startTestServer, type TestServer } from '../server.ts'

let server: TestServer
let token: string

beforeAll(async () => {
  server = await startTestServer('sqlite', { STOWER_ERROR_FORM: 'array' })
  token = await managementToken(server)
})
afterAll(() => server.stop())

test.each([
  ['an operation', 'GET', '/v2/manage/namespaces/nowhere', 404, 'SVCSTG.SWR.4040058'],
  ['a path that is none', 'GET', '/v2/manage/nothing', 404, 'SVCSTG.SWR.4040083'],
  ['a method that is not taken', 'PUT', '/v2/manage/namespaces', 405, 'SVCSTG.SWR.4040083'],
])('an error of %s is the bare array where the operator says so', async (_of, method, path, status, code) => {
  const response = await fetch(`${server.url}${path}`, { method, headers: { 'x-auth-token': token } })
  const body = errorViews.array.parse(await response.json())
  expect([response.status, body.map(error => error.errorCode)]).toEqual([status, [code]])
})

test('nobody in particular is told in the same form, and Keystone in its own', async () => {
  const refused = await fetch(`${server.url}/v2/manage/namespaces`)
  expect(errorViews.array.parse(await refused.json())[0]?.errorCode).toBe('SVCSTG.S2I.4019000')
  const keystone = (await (await fetch(`${server.url}/v3/users`)).json()) as { error: { code: number } }
  expect(keystone.error.code).toBe(401)
})

test('the document of the API says so, too', async () => {
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    paths: Record<string, { get: { responses: Record<string, { content: Record<string, { schema: object }> }> } }>
  }
  const answers = document.paths['/v2/manage/namespaces/{namespace}']?.get.responses
  expect(answers?.['404']?.content['application/json']?.schema).toMatchObject({ type: 'array' })
})
