import { expect, test } from 'bun:test'
import { z } from 'zod'
import { operations } from '../../src/surfaces/manage/surface.ts'
import { openSqliteForTest } from '../databases.ts'
import { breachOf } from './declared-answers.ts'
import { startManageServer } from './server.ts'

const create = operationNamed('createNamespace')
const show = operationNamed('showNamespace')
const list = operationNamed('listReposDetails')
const remove = operationNamed('deleteRepo')

function operationNamed(name: string) {
  const found = operations.find(operation => operation.name === name)
  if (!found) throw new Error(`there is no operation ${name}`)
  return found
}

const organization = { id: 1, name: 'group', creator_name: 'owner', auth: 7, access_user_count: 1, repo_count: 0 }
const json = { 'content-type': 'application/json' }
const error = (code: string) => ({
  ...{ errors: [{ errorCode: code, errorMessage: 'm', detail: '' }], errorCode: code, errorMsg: 'm' },
  ...{ error_code: code, error_msg: 'm', details: [{ error_code: code, error_msg: 'm' }], request_id: 'r' },
})

test.each([
  ['what is declared', show, 200, organization, {}, undefined],
  ['another status', create, 200, {}, {}, 'status 200 and not 201'],
  ['a field too few', show, 200, { ...organization, auth: undefined }, {}, 'auth'],
  ['a field too many', show, 200, { ...organization, extra: 1 }, {}, 'more than the schema has'],
  ['another value', show, 200, { ...organization, auth: 2 }, {}, 'auth'],
  ['a header too few', list, 200, [], {}, 'headers'],
  ['a header too many', show, 200, organization, { 'content-range': '0-1/1' }, 'headers content-range'],
  ['a body where there is none', remove, 204, {}, {}, 'the body {}'],
  ['a declared error', show, 404, error('SVCSTG.SWR.4040058'), {}, undefined],
  ['an error of others', show, 404, error('SVCSTG.SWR.4040010'), {}, '404 SVCSTG.SWR.4040010'],
  ['an error with another status', show, 400, error('SVCSTG.SWR.4040058'), {}, '400 SVCSTG.SWR.4040058'],
  ['an error without a form', show, 404, { ...error('SVCSTG.SWR.4040058'), errors: undefined }, {}, 'errors'],
])('an answer with %s', (...[_what, operation, status, body, headers, breach]) => {
  const found = breachOf(operation, { status, body: JSON.stringify(body), headers: { ...json, ...headers } })
  if (breach === undefined) expect(found).toBeUndefined()
  else expect(found).toContain(breach)
})

test('a server that answered otherwise fails the test that stops it', async () => {
  const server = await startManageServer(openSqliteForTest)
  const owner = await server.addUser('owner')
  await server.ask(owner, 'POST /v2/manage/namespaces', { namespace: 'group' })
  const declared = show.answer
  show.answer = { ...declared, view: z.object({ other: z.string() }) }
  await server.ask(owner, 'GET /v2/manage/namespaces/group')
  show.answer = declared
  await expect(server.stop()).rejects.toThrow('organization.get answered what it does not declare')
})
