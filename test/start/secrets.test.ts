import { expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { bytesOf, digestOf } from '../crash/content.ts'
import { sign } from '../signing/sign.ts'
import { launch, temporaryFolder } from './program.ts'

/** Secrets with a mark that stands in no other text. */
const secrets = {
  password: 'canary-password-5Zq8',
  accessKey: 'CANARYACCESSKEY00001',
  secretKey: 'canary-secret-key-7Hv2',
  encryptionKey: 'canary-encryption-key-1Xp6',
  wrongPassword: 'canary-wrong-password-3Kd9',
  wrongToken: 'canary-wrong-token-9Lm4',
  databasePassword: 'canary-database-password-2Wn5',
}
const user = 'canary'
const basic = (password: string) => `Basic ${btoa(`${user}:${password}`)}`

for (const format of ['json', 'pretty']) {
  test(`no secret stands in the log (${format}, trace) of logins, pushes and failures`, async () => {
    using folder = temporaryFolder()
    await using program = launch({
      dataDir: folder.path,
      env: {
        STOWER_LOG_LEVEL: 'trace',
        STOWER_LOG_FORMAT: format,
        STOWER_ENCRYPTION_KEY: secrets.encryptionKey,
        STOWER_INIT_USER: user,
        STOWER_INIT_PASSWORD: secrets.password,
        STOWER_INIT_ACCESS_KEY: secrets.accessKey,
        STOWER_INIT_SECRET_KEY: secrets.secretKey,
      },
    })
    const made = await useEverything(await program.serving, folder.path)
    program.signal('SIGTERM')
    const { code, stdout, stderr } = await program.ended
    expect(code).toBe(0)

    const told = stdout + stderr
    // The log has what was done, so that the absence of secrets says something.
    for (const word of ['oci.upload-start', 'oci.blob', 'token', canaryError]) expect(told).toContain(word)
    const all = [...Object.values(secrets), ...made, basic(secrets.password), basic(secrets.wrongPassword)]
    for (const secret of all.filter(each => each !== secrets.accessKey)) {
      expect(told).not.toContain(secret)
      expect(told).not.toContain(secret.replace(/^(Basic|Bearer) /, ''))
    }
  }, 20_000)
}

test('a database that cannot be reached is refused without its password', async () => {
  using folder = temporaryFolder()
  const env = { STOWER_DATABASE_URL: `postgres://stower:${secrets.databasePassword}@127.0.0.1:1/stower` }
  const { code, stdout, stderr } = await launch({ dataDir: folder.path, env }).ended
  expect(code).not.toBe(0)
  expect(stderr).toMatch(/^stower: [^\n]*PostgreSQL[^\n]*\n$/)
  expect(stdout + stderr).not.toContain(secrets.databasePassword)
})

test('settings that are wrong are refused without their values where those are secret', async () => {
  using folder = temporaryFolder()
  for (const env of [
    { STOWER_ENCRYPTION_KEY: 'canary-short' },
    { STOWER_DATABASE_URL: `mysql://stower:${secrets.databasePassword}@db/stower` },
    { STOWER_INIT_SECRET_KEY: `${secrets.secretKey} with spaces` },
  ]) {
    const { code, stderr } = await launch({ dataDir: join(folder.path, 'data'), env }).ended
    expect(code).not.toBe(0)
    expect(stderr).not.toContain('canary')
  }
})

/** Part of the line that a failure of the server itself writes. */
const canaryError = 'request failed'

/** Logs in, pushes and fails in every way that carries a secret. Returns the secrets that the server made. */
async function useEverything(url: string, dataDir: string): Promise<string[]> {
  const ask = async (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: NonNullable<RequestInit['body']>,
  ) => {
    const answer = await fetch(`${url}${path}`, { method, headers, ...(body !== undefined && { body }) })
    return { answer, text: await answer.text() }
  }
  const json = { 'content-type': 'application/json' }
  const login = (password: string) =>
    JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user: { name: user, password, domain: { name: 'stower' } } } },
        scope: { project: { name: 'local' } },
      },
    })
  await ask('POST', '/v3/auth/tokens', json, login(secrets.wrongPassword))
  await ask('POST', '/v3/auth/tokens', json, `{"auth": "${secrets.wrongPassword}`)
  const keystone = (await ask('POST', '/v3/auth/tokens', json, login(secrets.password))).answer.headers.get(
    'x-subject-token',
  )
  if (keystone === null) throw new Error('no token')
  const auth = { 'x-auth-token': keystone }
  await ask('GET', '/v3/auth/tokens', { ...auth, 'x-subject-token': keystone })
  await ask('POST', '/v2/manage/namespaces', { ...json, ...auth }, '{"namespace":"canary"}')
  await ask('GET', '/v2/manage/namespaces', { 'x-auth-token': secrets.wrongToken })
  await ask('GET', '/v2/manage/namespaces', {
    authorization: `SDK-HMAC-SHA256 Access=${secrets.accessKey}, SignedHeaders=host, Signature=${secrets.wrongToken}`,
  })

  const asked = await ask('POST', '/v2/manage/utils/secret?canary=canary-query-8Rt1', auth)
  const made = await ask('POST', '/v2/manage/utils/authorizationtoken', auth)
  const lines = [asked, made].map(({ answer }) => answer.headers.get('x-swr-dockerlogin') ?? '')
  const logins = lines.map(line => line.split(' ').slice(3, 6)).map(([name, , password]) => ({ name, password }))
  for (const { name, password } of logins) {
    const login = { authorization: `Basic ${btoa(`${name}:${password}`)}` }
    for (const path of ['/v2/', '/swr/auth/v2/registry/auth?service=dockyard', '/dockyard/v2/namespaces']) {
      expect((await ask('GET', path, login)).answer.status).toBe(200)
    }
  }
  const wish = '{"auth":{"identity":{"methods":["token"],"token":{"duration_seconds":900}}}}'
  const temporary = JSON.parse(
    (await ask('POST', '/v3.0/OS-CREDENTIAL/securitytokens', { ...json, ...auth }, wish)).text,
  )
  const { access, secret, securitytoken } = temporary.credential
  const key = { accessKey: access, secretKey: secret }
  const list = { method: 'GET', path: '/v2/manage/namespaces', headers: { 'x-security-token': securitytoken } }
  const signed = sign(key, list, { host: new URL(url).host, at: Date.now() })
  expect((await ask('GET', list.path, signed)).answer.status).toBe(200)
  expect((await ask('GET', list.path, { ...signed, 'x-security-token': secrets.wrongToken })).answer.status).toBe(401)
  const signature = signed.authorization?.slice(-64) ?? ''
  const ofLogins = logins.flatMap(({ name, password = '' }) => [password, btoa(`${name}:${password}`)])

  const realm = '/swr/auth/v2/registry/auth/?service=dockyard&scope=repository:canary/image:pull,push'
  await ask('GET', realm, { authorization: basic(secrets.wrongPassword) })
  const { token } = JSON.parse((await ask('GET', realm, { authorization: basic(secrets.password) })).text)
  const authorization = `Bearer ${token}`
  for (const wrong of [basic(secrets.wrongPassword), `Bearer ${secrets.wrongToken}`, secrets.wrongToken]) {
    await ask('GET', '/v2/', { authorization: wrong })
  }
  const bytes = bytesOf({ seed: 1, sizeBytes: 1000 })
  const push = `/v2/canary/image/blobs/uploads/?digest=${digestOf(bytes)}`
  expect((await ask('POST', push, { authorization }, bytes)).answer.status).toBe(201)
  await ask('GET', `/v2/canary/image/blobs/${digestOf(bytes)}`, { authorization })
  await ask('PUT', '/v2/canary/image/manifests/latest', { authorization }, secrets.wrongToken)
  // A failure of the disk is logged with its causes.
  rmSync(join(dataDir, 'uploads'), { recursive: true })
  const other = bytesOf({ seed: 2, sizeBytes: 1000 })
  const failed = await ask(
    'POST',
    `/v2/canary/image/blobs/uploads/?digest=${digestOf(other)}`,
    { authorization },
    other,
  )
  expect(failed.answer.status).toBeGreaterThanOrEqual(500)
  expect((await ask('DELETE', '/v3/auth/tokens', { ...auth, 'x-subject-token': keystone })).answer.status).toBe(204)
  return [keystone, token, ...ofLogins, secret, securitytoken, signature, 'canary-query-8Rt1']
}
