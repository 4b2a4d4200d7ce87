import { afterAll, beforeAll, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { chooseBaseUrl } from '../../src/http/base-url.ts'
import { type HttpServer, serveHttp } from '../../src/http/serve.ts'
import { trustProxies } from '../../src/http/source-address.ts'
import { openSqliteForTest } from '../databases.ts'
import { basic, openTestInstallation, secrets, type TestInstallation } from './installation.ts'

let installation: TestInstallation
let server: HttpServer
beforeAll(async () => {
  installation = await openTestInstallation(openSqliteForTest)
  server = serveHttp({
    listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    forwarded: trustProxies([]),
    baseUrl: chooseBaseUrl({ externalUrls: ['https://swr.example.org'], listenUrl: 'http://127.0.0.1' }),
    surfaceFor: url => (url.pathname.startsWith('/v3') ? installation.iam : installation.token),
    onAnswered: () => {},
    bodyIdleMs: 10_000,
    connectionIdleMs: 120_000,
  })
})
afterAll(async () => {
  await server.stop(1000)
  await installation.opened.dispose()
})

const identity = {
  methods: ['password'],
  password: { user: { domain: { name: 'OTC000' }, name: 'user1', password: secrets.password } },
}

test('a login over a socket gives a token that HEAD and GET accept, and addresses from the external URL', async () => {
  const made = await fetch(`${server.url}/v3/auth/tokens`, {
    method: 'POST',
    // As keystoneauth and curl may: the body's type is not announced.
    body: JSON.stringify({ auth: { identity, scope: { project: { name: 'eu-de' } } } }),
  })
  expect(made.status).toBe(201)
  expect(await made.text()).toContain('https://swr.example.org/smn/v2')
  const token = made.headers.get('x-subject-token') ?? ''
  const headers = { 'x-auth-token': token, 'x-subject-token': token }
  const [head, get] = [
    await fetch(`${server.url}/v3/auth/tokens`, { method: 'HEAD', headers }),
    await fetch(`${server.url}/v3/auth/tokens`, { headers }),
  ]
  expect([head.status, get.status]).toEqual([200, 200])
  expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'))
  expect(await head.text()).toBe('')
})

test('docker’s login over a socket, with and without the slash', async () => {
  for (const slash of ['', '/']) {
    const answer = await fetch(`${server.url}/swr/auth/v2/registry/auth${slash}?service=dockyard&account=user1`, {
      headers: { authorization: basic('user1', secrets.password) },
    })
    expect(answer.status).toBe(200)
    const { token } = (await answer.json()) as { token: string }
    const caller = await installation.identity.ofDocker(`Bearer ${token}`, '127.0.0.1')
    expect(caller).toMatchObject({ kind: 'user', userName: 'user1' })
  }
})

test.each([
  ['announced', `content-length: ${1 << 30}\r\n\r\n`],
  ['not announced', `transfer-encoding: chunked\r\n\r\n${'10000\r\n'.concat('x'.repeat(0x10000), '\r\n').repeat(2)}`],
])('an endless login body (%s) is 413 and its connection ends', async (_how, rest) => {
  const { port } = new URL(server.url)
  const received = await new Promise<string>((resolve, reject) => {
    let text = ''
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write(`POST /v3/auth/tokens HTTP/1.1\r\nhost: x\r\n${rest}`)
    })
    socket.on('data', data => {
      text += data
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
  expect(received).toStartWith('HTTP/1.1 413 ')
  expect(received).toContain('"title":"Request Entity Too Large"')
})
