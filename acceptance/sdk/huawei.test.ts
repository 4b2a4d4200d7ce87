import { afterAll, beforeAll, expect, test } from 'bun:test'
import { registryClient } from '../../test/oci/registry-client.ts'
import { credentials, managementToken, type Program, startProgram } from '../program.ts'
import { runStower } from '../stower-command.ts'
import { type Answered, type HuaweiSdk, openHuaweiSdk, type Proof } from './huawei.ts'
import { rawSteps, type Scene, type Step, stepsAfterThePush, stepsBeforeThePush } from './steps.ts'

/** Operations of the SDK that are not spoken here, and what they wait for. */
const awaited: Readonly<Record<string, string>> = Object.fromEntries([
  ...['createTrigger', 'listTriggersDetails', 'showTrigger', 'updateTrigger', 'deleteTrigger'].map(name => [
    name,
    'triggers',
  ]),
  ...['createImageSyncRepo', 'listImageAutoSyncReposDetails', 'deleteImageSyncRepo'].map(name => [name, 'sync']),
  ...['createManualImageSyncRepo', 'showSyncJob'].map(name => [name, 'sync']),
])

let program: Program
let token: string
let projectId: string
let userId: string

beforeAll(async () => {
  program = await startProgram()
  token = await managementToken(program)
  await runStower(program, ['user', 'create', 'colleague'])
  await runStower(program, ['account', 'create', 'OTC-OTHER'])
  const headers = { 'x-auth-token': token }
  const ask = async (path: string) => (await fetch(`${program.url}${path}`, { headers })).json()
  projectId = ((await ask('/v3/projects')) as { projects: { id: string }[] }).projects[0]?.id ?? ''
  userId = ((await ask('/v3/users?name=colleague')) as { users: { id: string }[] }).users[0]?.id ?? ''
}, 60_000)
afterAll(() => program[Symbol.asyncDispose]())

const kinds: readonly Proof['kind'][] = ['token', 'access key', 'derived access key', 'temporary access key']

async function proofOf(kind: Proof['kind']): Promise<Proof> {
  if (kind === 'token') return { kind, token, projectId }
  if (kind !== 'temporary access key') return { kind, projectId }
  const response = await fetch(`${program.url}/v3.0/OS-CREDENTIAL/securitytokens`, {
    method: 'POST',
    headers: { 'x-auth-token': token, 'content-type': 'application/json' },
    body: JSON.stringify({ auth: { identity: { methods: ['token'], token: { duration_seconds: 900 } } } }),
  })
  const { credential } = (await response.json()) as {
    credential: { access: string; secret: string; securitytoken: string }
  }
  return { kind, projectId, key: credential }
}

test.each(kinds)(
  'every operation of Huawei’s SDK is answered as it expects (%s)',
  async kind => {
    const sdk = openHuaweiSdk(program.url, await proofOf(kind))
    const scene = { organization: `sdk-${kind.replaceAll(' ', '-')}`, userId, otherAccount: 'OTC-OTHER' }
    for (const step of stepsBeforeThePush) await perform(sdk, step, scene)
    const basic = `Basic ${btoa(`${credentials.user}:${credentials.password}`)}`
    await registryClient({ url: program.url, basic }).pushImage(`${scene.organization}/team/app`, 'v1')
    for (const { call, query, status, shows } of rawSteps) {
      const filled = JSON.parse(JSON.stringify({ call, query }).replaceAll('*', scene.organization))
      const [method = '', path = ''] = filled.call.split(' ')
      const answered = await sdk.send(method, path, { query: filled.query }).catch(error => error)
      expect([call, answered.httpStatusCode]).toEqual([call, status])
      if (shows) expect(answered).toMatchObject(shows)
    }
    for (const step of stepsAfterThePush) await perform(sdk, step, scene)
  },
  60_000,
)

async function perform(sdk: HuaweiSdk, { operation, fields, status, shows, keep }: Step, scene: Scene): Promise<void> {
  const answered: Answered = await sdk.call(operation, fields?.(scene)).catch(error => error)
  expect([operation, answered.httpStatusCode, answered.errorMsg]).toEqual([operation, status, undefined])
  keep?.(answered, scene)
  if (shows) expect({ ...answered }).toMatchObject(shows(scene))
}

test('every operation that the SDK has is called, or waits for what is known to be missing', () => {
  const sdk = openHuaweiSdk(program.url, { kind: 'token', token, projectId })
  const called = new Set([...stepsBeforeThePush, ...stepsAfterThePush].map(step => step.operation))
  expect(sdk.operations).toHaveLength(49)
  expect(sdk.operations.filter(name => !called.has(name)).toSorted()).toEqual(Object.keys(awaited).toSorted())
})

test.each(Object.entries(awaited))('%s waits for %s', async name => {
  const sdk = openHuaweiSdk(program.url, { kind: 'token', token, projectId })
  const fields = { namespace: 'nowhere', repository: 'r', trigger: 't', retention_id: 1, filter: 'limit::10', body: {} }
  const refused = await sdk.call(name, fields).catch(error => error)
  expect([refused.httpStatusCode, refused.errorCode]).toEqual([404, 'SVCSTG.SWR.4040083'])
})

test('an error has code, message and request id where the SDK looks for them', async () => {
  const sdk = openHuaweiSdk(program.url, { kind: 'access key', projectId })
  const refused = await sdk.call('showNamespace', { namespace: 'nowhere' }).catch(error => error)
  expect(refused.constructor.name).toBe('ClientRequestException')
  expect(refused).toMatchObject({ httpStatusCode: 404, errorCode: 'SVCSTG.SWR.4040058' })
  expect(refused.errorMsg).toContain('nowhere')
  expect(refused.requestId).toBeTruthy()
})

test('the login that the SDK is handed out logs docker in', async () => {
  const sdk = openHuaweiSdk(program.url, { kind: 'access key', projectId })
  const secret = await sdk.call('createSecret')
  const [, user, password, host] = /-u\s+(\S+)\s+-p\s+(\S+)\s+(\S+)/.exec(String(secret['X-Swr-Dockerlogin'])) ?? []
  expect(host).toBe(program.host)
  const response = await fetch(`${program.url}/swr/auth/v2/registry/auth?service=dockyard`, {
    headers: { authorization: `Basic ${btoa(`${user}:${password}`)}` },
  })
  expect(response.status).toBe(200)
})
