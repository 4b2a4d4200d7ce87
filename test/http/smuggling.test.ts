import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { registryClient } from '../oci/registry-client.ts'
import { createOrganization, startTestServer, type TestServer } from '../server.ts'

/** What a proxy in front may take for one request and a server behind it for two. */
describe('requests that end in two places', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer('sqlite')
    await createOrganization(server, 'group')
    await registryClient(server).pushImage('group/app', 'v1')
  })
  afterAll(() => server.stop())

  /** Sends bytes as they are; everything that comes back until the connection ends. */
  const raw = (text: string) =>
    new Promise<string>(resolve => {
      const { hostname, port } = new URL(server.url)
      let answer = ''
      const socket = connect(Number(port), hostname, () => socket.write(text))
      socket.on('data', data => {
        answer += data
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(answer))
      // What waits for more gets its end.
      socket.setTimeout(1_500, () => socket.destroy())
    })
  const head = (lines: readonly string[]) =>
    [
      `POST /v2/group/app/blobs/uploads/ HTTP/1.1`,
      `Host: ${server.host}`,
      `Authorization: ${server.basic}`,
      ...lines,
      '',
      '',
    ].join('\r\n')
  const hidden = () =>
    `DELETE /v2/group/app/manifests/v1 HTTP/1.1\r\nHost: ${server.host}\r\nAuthorization: ${server.basic}\r\nConnection: close\r\n\r\n`
  const answersIn = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)

  const contradictions: [what: string, lines: (lengthBytes: number) => string[], body: (request: string) => string][] =
    [
      [
        'a length and chunks',
        length => [`Content-Length: ${length}`, 'Transfer-Encoding: chunked'],
        request => `0\r\n\r\n${request}`,
      ],
      [
        'chunks and a length of nothing',
        () => ['Transfer-Encoding: chunked', 'Content-Length: 0'],
        request => `${request.length.toString(16)}\r\n${request}\r\n0\r\n\r\n`,
      ],
      ['two lengths', length => ['Content-Length: 0', `Content-Length: ${length}`], request => request],
      ['two lengths in one', length => [`Content-Length: 0, ${length}`], request => request],
      ['a length with a sign', length => [`Content-Length: +${length}`], request => request],
      ['a negative length', () => ['Content-Length: -1'], request => request],
      ['a length in hex', length => [`Content-Length: 0x${length.toString(16)}`], request => request],
      ['a length with a blank before the colon', length => [`Content-Length : ${length}`], request => request],
      ['an unknown encoding', () => ['Transfer-Encoding: xchunked'], request => `0\r\n\r\n${request}`],
      ['chunked that is not last', () => ['Transfer-Encoding: chunked, identity'], request => `0\r\n\r\n${request}`],
      ['an encoding with a vertical tab', () => ['Transfer-Encoding: \x0bchunked'], request => `0\r\n\r\n${request}`],
      ['a chunk size that is none', () => ['Transfer-Encoding: chunked'], request => `x\r\n${request}`],
      ['a chunk size past 2^64', () => ['Transfer-Encoding: chunked'], request => `10000000000000000\r\n${request}`],
      [
        'a header over two lines',
        length => ['X-Long: a', ` Content-Length: ${length}`, 'Content-Length: 0, 1'],
        request => request,
      ],
    ]

  test.each(contradictions)('%s: no request that is hidden in the body is performed', async (_what, lines, body) => {
    const request = hidden()
    const answers = answersIn(await raw(head(lines(request.length)) + body(request)))
    expect(answers.length).toBeLessThanOrEqual(1)
    for (const status of answers) expect(status).toBe('400')
    expect((await registryClient(server).request('HEAD', '/v2/group/app/manifests/v1')).status).toBe(200)
  })

  test('after a body that was left unread its rest is no request', async () => {
    const request = hidden()
    const tooLong = [
      // More than what is read on of a manifest that is too large.
      `Content-Length: ${50_000_000 + request.length}`,
      'Content-Type: application/vnd.oci.image.index.v1+json',
    ]
    const put = head(tooLong).replace('POST /v2/group/app/blobs/uploads/', 'PUT /v2/group/app/manifests/big')
    const answers = answersIn(await raw(put + request))
    expect(answers).toEqual(['413'])
    expect((await registryClient(server).request('HEAD', '/v2/group/app/manifests/v1')).status).toBe(200)
  })

  test('an upload’s bytes that look like a request are bytes', async () => {
    const request = hidden()
    const answers = answersIn(await raw(head([`Content-Length: ${request.length}`]) + request))
    expect(answers).toEqual(['202'])
    expect((await registryClient(server).request('HEAD', '/v2/group/app/manifests/v1')).status).toBe(200)
  })

  test('two hosts are one too many', async () => {
    const text = `GET /v2/ HTTP/1.1\r\nHost: ${server.host}\r\nHost: evil.example\r\nConnection: close\r\n\r\n`
    const answer = await raw(text)
    expect(answersIn(answer)).toHaveLength(1)
    expect(answer).not.toContain('evil.example')
  })

  test('a path in absolute form decides nothing: neither the surface nor where tokens are to be had', async () => {
    const answer = await raw(
      `GET http://evil.example/v2/ HTTP/1.1\r\nHost: ${server.host}\r\nConnection: close\r\n\r\n`,
    )
    expect(answersIn(answer)).toEqual(['401'])
    expect(answer).not.toContain('evil.example')
  })
})
