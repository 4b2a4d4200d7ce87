import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { registryClient, sha256 } from '../oci/registry-client.ts'
import { createOrganization, startTestServer, type TestServer } from '../server.ts'
import { openRaw, sendRaw, statusesOf } from './raw.ts'

/*
 * What HTTP clients would not send, or hide from who uses them (RFC 9112). Bun resolves dots and backslashes of a path
 * before anyone sees it; what counts is that routing, rights and log all see the same.
 */
describe('requests as bytes', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer('sqlite')
    await createOrganization(server, 'group')
  })
  afterAll(() => server.stop())

  const send = (...pieces: string[]) => sendRaw(server.url, ...pieces)
  const requestHead = (method: string, path: string, ...headers: string[]) =>
    [`${method} ${path} HTTP/1.1`, `Host: ${server.host}`, `Authorization: ${server.basic}`, ...headers, '', ''].join(
      '\r\n',
    )

  const heads = [
    ['a Host header that is none', 'GET /v2/ HTTP/1.1\r\nHost: a b\r\n', 400],
    ['an empty Host header', 'GET /v2/ HTTP/1.1\r\nHost:\r\n', 400],
    ['no Host header', 'GET /v2/ HTTP/1.1\r\n', 400],
    ['a Host header with a path', 'GET /v2/ HTTP/1.1\r\nHost: x/v2/_catalog\r\n', 400],
    ['a Host header with a login', 'GET /v2/ HTTP/1.1\r\nHost: user:password@x\r\n', 400],
    ['two Host headers', 'GET /v2/ HTTP/1.1\r\nHost: x\r\nHost: y\r\n', 400],
    ['the same Host header twice', 'GET /v2/ HTTP/1.1\r\nHost: x\r\nHost: x\r\n', 400],
    ['a path in absolute form', 'GET http://evil/v2/ HTTP/1.1\r\nHost: x\r\n', 401],
    ['dots that leave a repository', 'GET /v2/a/../_catalog HTTP/1.1\r\nHost: x\r\n', 401],
    ['encoded dots that do', 'GET /v2/a/%2e%2e/_catalog HTTP/1.1\r\nHost: x\r\n', 401],
    ['dots that leave the API', 'GET /v2/../livez HTTP/1.1\r\nHost: x\r\n', 200],
    ['a backslash for a slash', 'GET /v2\\_catalog HTTP/1.1\r\nHost: x\r\n', 401],
    ['an encoded slash in a name', 'GET /v2/a%2fb/c/manifests/x HTTP/1.1\r\nHost: x\r\n', 400],
    ['an encoded slash in a reference', 'GET /v2/a/b/manifests/x%2fy HTTP/1.1\r\nHost: x\r\n', 404],
    ['an encoded backslash', 'GET /v2/a%5cb/c/manifests/x HTTP/1.1\r\nHost: x\r\n', 400],
    ['an encoded percent', 'GET /v2/a%252fb/c/manifests/x HTTP/1.1\r\nHost: x\r\n', 400],
    ['an encoded zero', 'GET /v2/a/b/manifests/x%00 HTTP/1.1\r\nHost: x\r\n', 404],
    ['a doubled slash', 'GET /v2/a//b/manifests/x HTTP/1.1\r\nHost: x\r\n', 400],
    ['a doubled slash before all', 'GET //v2/_catalog HTTP/1.1\r\nHost: x\r\n', 404],
    ['a slash behind a tag', 'GET /v2/a/b/manifests/x/ HTTP/1.1\r\nHost: x\r\n', 404],
    ['an upper case name', 'GET /v2/A/b/manifests/x HTTP/1.1\r\nHost: x\r\n', 400],
    ['another spelling of the catalog', 'GET /v2/%5fcatalog HTTP/1.1\r\nHost: x\r\n', 404],
    ['another spelling of the API', 'GET /V2/_catalog HTTP/1.1\r\nHost: x\r\n', 404],
    ['a fragment', 'GET /v2/_catalog#/x HTTP/1.1\r\nHost: x\r\n', 400],
    ['no path at all', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n', 400],
    ['length and chunks', 'POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n', 400],
    ['chunks and length', 'POST /v2/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n', 400],
    ['two lengths', 'POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n', 400],
    ['a list of lengths', 'POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4, 4\r\n', 400],
    ['a negative length', 'POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: -4\r\n', 400],
    ['a length with a sign', 'POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: +4\r\n', 400],
    ['a length in another base', 'POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0x4\r\n', 400],
    ['another encoding', 'POST /v2/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n', 400],
    ['chunks that are not last', 'POST /v2/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n', 400],
    ['chunks in HTTP/1.0', 'POST /v2/ HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n', 400],
    ['a blank before a colon', 'POST /v2/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n', 400],
    ['a folded header', 'GET /v2/ HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n', 400],
    ['a zero in a header', 'GET /v2/ HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n', 400],
    ['headers of 100 KB', `GET /v2/ HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(100_000)}\r\n`, 431],
    ['a path of 100 KB', `GET /v2/${'a'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n`, 431],
  ] as const
  test.each(heads)('%s', async (_title, head, status) => {
    expect(statusesOf(await send(`${head}Connection: close\r\n\r\n`))).toEqual([status])
  })

  test('what follows a request on its connection is a request of its own, and rubbish ends the connection', async () => {
    const get = `GET /livez HTTP/1.1\r\nHost: ${server.host}\r\n\r\n`
    expect(statusesOf(await send(`${get}${get}rubbish rubbish\r\n\r\n`))).toEqual([200, 200, 400])
    // A refused request's body is not taken for the next request.
    const put = `PUT /v2/group/app/manifests/x HTTP/1.1\r\nHost: ${server.host}\r\nContent-Length: ${get.length}\r\n\r\n`
    expect(statusesOf(await send(`${put}${get}${get}`))).toEqual([401])
  })

  test.each([
    ['PUT', '/v2/Group/app/manifests/x', 400],
    ['PUT', '/v2/group/app/nothing', 404],
    ['POST', '/v2/group/app/manifests/x', 405],
  ])('the body of %s %s is left unread, and its connection ends with the answer', async (method, path, status) => {
    const get = `GET /livez HTTP/1.1\r\nHost: ${server.host}\r\n\r\n`
    const answer = await send(requestHead(method, path, `Content-Length: ${get.length}`), get, get)
    expect(statusesOf(answer)).toEqual([status])
    expect(answer).toMatch(/^connection: close\r$/im)
  })

  const startUpload = async () => {
    const answer = await registryClient(server).request('POST', '/v2/group/raw/blobs/uploads/')
    return answer.headers.get('location') ?? ''
  }
  const blobOf = async (digest: string) =>
    (await registryClient(server).request('GET', `/v2/group/raw/blobs/${digest}`)).text()

  test('a PATCH of unknown length is taken in chunks of any size', async () => {
    const location = await startUpload()
    const head = requestHead('PATCH', location, 'Transfer-Encoding: chunked', 'Connection: close')
    const answer = await send(head, '5\r\nchunk', '\r\n1\r\ne\r\n0', '1\r\nd\r\n0\r\n', '\r\n')
    expect(statusesOf(answer)).toEqual([202])
    expect(answer).toMatch(/^Range: 0-6\r$/im)
    const digest = sha256('chunked')
    expect((await registryClient(server).request('PUT', `${location}?digest=${digest}`)).status).toBe(201)
    expect(await blobOf(digest)).toBe('chunked')
  })

  test('chunks that are none end the request, and the upload keeps its offset', async () => {
    const location = await startUpload()
    const head = requestHead('PATCH', location, 'Transfer-Encoding: chunked', 'Connection: close')
    expect(statusesOf(await send(head, 'not a size\r\n')).at(-1)).toBe(400)
    const status = await registryClient(server).request('GET', location)
    expect([status.status, status.headers.get('range')]).toEqual([204, '0-0'])
  })

  test('a client that waits for 100 Continue is told to go on', async () => {
    const location = await startUpload()
    const digest = sha256('waited for')
    const headers = ['Content-Length: 10', 'Expect: 100-continue', 'Connection: close']
    const socket = openRaw(server.url)
    let answer = ''
    const ended = new Promise<void>(resolve => socket.on('end', () => resolve()))
    socket.on('data', data => {
      answer += data
      if (answer === 'HTTP/1.1 100 Continue\r\n\r\n') socket.write('waited for')
    })
    socket.write(requestHead('PUT', `${location}?digest=${digest}`, ...headers))
    await ended
    expect(statusesOf(answer)).toEqual([100, 201])
    expect(await blobOf(digest)).toBe('waited for')
  })
})

test('an address that another server listens on is refused', async () => {
  const server = await startTestServer('sqlite')
  try {
    const second = startTestServer('sqlite', { STOWER_LISTEN: server.host })
    await expect(second).rejects.toThrow(`${server.host} is taken by another program`)
  } finally {
    await server.stop()
  }
})
