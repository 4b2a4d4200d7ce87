import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chooseBaseUrl } from '../../src/http/base-url.ts'
import { trustProxies } from '../../src/http/source-address.ts'
import { startTestServer, type TestServer } from '../server.ts'
import { testWithTools } from '../tools.ts'

describe('what a request claims about its address', () => {
  const forwarded = trustProxies(['10.0.0.0/8', '192.168.1.1', 'fd00::/8'])
  const table = [
    ['a peer that is no proxy is believed nothing', '203.0.113.5', '1.2.3.4', '203.0.113.5'],
    ['a trusted proxy names the client', '10.1.2.3', '203.0.113.9', '203.0.113.9'],
    [
      'what the client itself forged before the proxy counts for nothing',
      '10.1.2.3',
      '6.6.6.6, 203.0.113.9',
      '203.0.113.9',
    ],
    ['a chain of trusted proxies is followed', '192.168.1.1', '203.0.113.9, 10.9.9.9', '203.0.113.9'],
    ['rubbish ends the chain', '10.1.2.3', 'unknown, 10.9.9.9', '10.9.9.9'],
    ['an IPv4 peer in IPv6 form is the same peer', '::ffff:10.1.2.3', '203.0.113.9', '203.0.113.9'],
    ['IPv6 proxies count', 'fd00::1', '2001:db8::7', '2001:db8::7'],
    ['no header, no other address', '10.1.2.3', undefined, '10.1.2.3'],
  ] as const
  for (const [title, peer, header, expected] of table) {
    test(title, () => {
      const headers = new Headers(header === undefined ? {} : { 'x-forwarded-for': header })
      expect(forwarded(peer, headers).sourceAddress).toBe(expected)
    })
  }

  test('host and protocol are believed of a trusted proxy only', () => {
    const headers = new Headers({ 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' })
    expect(forwarded('203.0.113.5', headers)).toMatchObject({ host: undefined, proto: undefined })
    expect(forwarded('10.0.0.1', headers)).toMatchObject({ host: 'evil.example', proto: 'https' })
  })

  test('the external URL that has the host of the request is chosen, else the first', () => {
    const nothing = { sourceAddress: '', proto: undefined, host: undefined }
    const base = chooseBaseUrl({
      externalUrls: ['https://a.example', 'https://b.example:8443'],
      listenUrl: 'http://0.0.0.0:8080',
    })
    expect(base('b.example:8443', nothing)).toBe('https://b.example:8443')
    expect(base('evil.example', nothing)).toBe('https://a.example')
    expect(base('a.example', { ...nothing, host: 'b.example:8443' })).toBe('https://b.example:8443')
    const local = chooseBaseUrl({ externalUrls: [], listenUrl: 'http://127.0.0.1:8080' })
    expect(local('localhost:9090', nothing)).toBe('http://localhost:9090')
    expect(local('evil.example', nothing)).toBe('http://127.0.0.1:8080')
    expect(local('localhost.evil.example', nothing)).toBe('http://127.0.0.1:8080')
  })
})

describe('a server on one listener', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer('sqlite', { STOWER_TRUSTED_PROXIES: '127.0.0.1' })
  })
  afterAll(() => server.stop())

  test('every answer carries a request id, and the access line has the same', async () => {
    const response = await fetch(`${server.url}/nowhere`, { headers: { 'x-forwarded-for': '198.51.100.7' } })
    expect(response.status).toBe(404)
    const requestId = response.headers.get('x-request-id')
    const line = server.log.map(text => JSON.parse(text)).find(entry => entry.requestId === requestId)
    expect(line).toMatchObject({ method: 'GET', status: 404, source: '198.51.100.7' })
  })

  test('the parts that must work are told one a line, and measures have units', async () => {
    expect(await (await fetch(`${server.url}/livez`)).text()).toBe('ok\n')
    const ready = await fetch(`${server.url}/readyz`)
    expect(await ready.text()).toBe('database: ok\nblob store: ok\ndisk space: ok\n')
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toContain('stower_http_requests_total{route="ops.readyz",status="2xx"} 1')
    expect(metrics).toMatch(/stower_blob_store_free_bytes [1-9]/)
    expect(metrics).toContain('stower_ready 1')
  })
})

test('a server on a unix socket answers there', async () => {
  const server = await startTestServer('sqlite', { STOWER_LISTEN: 'unix:/tmp/stower-test.sock' })
  const response = await fetch('http://localhost/livez', { unix: '/tmp/stower-test.sock' })
  expect(await response.text()).toBe('ok\n')
  await server.stop()
})

testWithTools(['openssl'], 'a server with a certificate speaks TLS and says https in its challenge', async () => {
  const folder = `${process.env.TMPDIR ?? '/tmp'}/stower-tls-${process.pid}`
  const make = Bun.spawnSync([
    'sh',
    '-c',
    `mkdir -p ${folder} && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout ${folder}/key.pem -out ${folder}/cert.pem`,
  ])
  expect(make.exitCode).toBe(0)
  const server = await startTestServer('sqlite', {
    STOWER_TLS_CERT_FILE: `${folder}/cert.pem`,
    STOWER_TLS_KEY_FILE: `${folder}/key.pem`,
  })
  const response = await fetch(`${server.url}/v2/`, { tls: { ca: Bun.file(`${folder}/cert.pem`) } })
  expect(response.status).toBe(401)
  expect(response.headers.get('www-authenticate')).toStartWith(`Bearer realm="${server.url}/swr/auth/`)
  expect(server.url).toStartWith('https://')
  await server.stop()
  Bun.spawnSync(['rm', '-r', folder])
})
