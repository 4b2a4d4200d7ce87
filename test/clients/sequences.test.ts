import { afterEach, beforeEach, test } from 'bun:test'
import { addAccount, addPerson } from '../people.ts'
import { credentials, describeServers, managementToken, startTestServer, type TestServer } from '../server.ts'
import { signLegacy } from '../signing/sign-legacy.ts'
import { type ClientSequence, exchange, type Prove } from './exchange.ts'
import { gophertelekomcloud } from './gophertelekomcloud.ts'
import { otcextensions } from './otcextensions.ts'
import { pythonSdk } from './python-sdk.ts'
import { terraformHuaweicloud } from './terraform-huaweicloud.ts'
import { terraformOpentelekomcloud } from './terraform-opentelekomcloud.ts'

const sequences: readonly ClientSequence[] = [
  gophertelekomcloud,
  terraformOpentelekomcloud,
  pythonSdk,
  otcextensions,
  terraformHuaweicloud,
]

describeServers('what clients were seen to send', engine => {
  let server: TestServer
  let filled: Record<string, string>

  // Each client has an account to itself, as its tests expect.
  beforeEach(async () => {
    server = await startTestServer(engine)
    const token = await managementToken(server)
    const colleague = await addPerson(server, 'colleague')
    await addAccount(server, 'OTC111')
    const response = await fetch(`${server.url}/v3/projects`, { headers: { 'x-auth-token': token } })
    const { projects } = (await response.json()) as { projects: { id: string }[] }
    filled = { token, user_id: colleague.id, project_id: projects[0]?.id ?? '' }
  })
  afterEach(() => server.stop())

  test.each(sequences.map(sequence => [sequence.client, sequence] as const))('%s', async (_client, sequence) => {
    const headers = fillHeaders(sequence.headers)
    for (const expected of sequence.exchanges) await exchange(server.url, { ...sequence, headers }, expected, filled)
  })

  test('gophertelekomcloud with an access key', async () => {
    const { 'x-auth-token': _token, ...always } = gophertelekomcloud.headers.always
    const headers = { ...gophertelekomcloud.headers, always: { ...always, 'x-project-id': filled.project_id ?? '' } }
    const prove: Prove = ({ headers: own, ...request }) =>
      signLegacy(credentials, { ...request, headers: { ...own, host: server.host } }, Date.now())
    for (const path of ['/v3/projects?name=eu-de', '/v3/projects?name=eu-de', '/v3/auth/catalog']) {
      await exchange(server.url, { prefix: '', headers }, { call: `GET ${path}`, status: 200 }, filled, prove)
    }
    for (const expected of gophertelekomcloud.exchanges) {
      await exchange(server.url, { ...gophertelekomcloud, headers }, expected, filled, prove)
    }
  })

  function fillHeaders(headers: ClientSequence['headers']): ClientSequence['headers'] {
    return JSON.parse(JSON.stringify(headers).replace('{token}', filled.token ?? ''))
  }
})
