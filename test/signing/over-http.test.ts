import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createHash, createHmac } from 'node:crypto'
import { addAccessKey, sealSecretKey } from '../../src/core/accounts/access-keys.ts'
import { sealerOf } from '../../src/identity/sealing.ts'
import { parseSignedTime } from '../../src/protocol/auth/signing/signed-time.ts'
import { describeEngines } from '../databases.ts'
import { sendRaw, statusesOf } from '../http/raw.ts'
import { requester } from '../iam/installation.ts'
import { type ManageServer, startManageServer } from '../manage/server.ts'
import { allVectors, headerOf, type SignedVector } from './vectors.ts'

/** The project that all of them name. */
const projectId = '0123456789abcdef0123456789abcdef'
/** What is no path of the management API, or signed with a key that has a token, is not sent to it. */
const sent = allVectors.flatMap(({ signer, requests }) =>
  requests
    .filter(
      ({ target, headers }) =>
        target.startsWith('/v2/manage') && !target.endsWith('/a/b') && !headerOf({ headers }, 'x-security-token'),
    )
    .map(request => [`${request.what} (${signer})`, request] as const),
)

describeEngines('what other signers sent, byte for byte', (_engine, open) => {
  let server: ManageServer
  const [{ accessKey, secretKey } = { accessKey: '', secretKey: '' }] = allVectors
  beforeAll(async () => {
    server = await startManageServer(open)
    const user = await server.addUser('owner', { isAdministrator: true })
    const project = { id: projectId, account_id: user.accountId, name: 'eu-de', created_ms: 0 }
    const key = { id: accessKey, secret: secretKey }
    const sealedSecret = sealSecretKey(sealerOf('a key of the tests'), key)
    await server.db.write(async tx => {
      await tx.insertInto('projects').values(project).execute()
      await addAccessKey(tx, requester, { user, id: key.id, sealedSecret, nowMs: 0 })
    })
  })
  afterAll(() => server.stop())

  /** Sends it at the time in its signature, and answers the status. */
  const statusOf = async ({ method, target, headers, body }: SignedVector) => {
    const signedMs = parseSignedTime(headerOf({ headers }, 'x-sdk-date') ?? '') ?? 0
    server.clock.passMs(signedMs - server.clock.nowMs())
    const bytes = Buffer.from(body, 'latin1')
    const lines = headers.map(([name, value]) => `${name}: ${value}`)
    const framing = [...(method === 'GET' ? [] : [`Content-Length: ${bytes.byteLength}`]), 'Connection: close']
    const head = [`${method} ${target} HTTP/1.1`, ...lines, ...framing, '', ''].join('\r\n')
    const answer = await sendRaw(server.url, Buffer.concat([Buffer.from(head, 'latin1'), bytes]))
    return statusesOf(answer)[0]
  }

  test.each(sent)('%s is taken, and nothing else in its place', async (_title, request) => {
    const status = await statusOf(request)
    expect([200, 201, 204, 404, 409, 400]).toContain(status ?? 0)
    const [path = '', query = ''] = request.target.split('?')
    const others: SignedVector[] = [
      { ...request, target: `${path}?${query}&another=1` },
      ...(/\/repos\/[^/]+$/.test(path) ? [{ ...request, target: `${path}x` }] : []),
      ...(request.method === 'GET' ? [] : [{ ...request, body: `${request.body} ` }]),
    ]
    for (const other of others)
      expect([other.method, other.target, await statusOf(other)]).toEqual([other.method, other.target, 401])
  })

  /** Signed as it stands in the request line, by rules of Go and Python: decoded as a whole and encoded again. */
  const signedOver = (path: string): SignedVector => {
    const dateTime = new Date(server.clock.nowMs()).toISOString().replace(/[-:]|\.\d+/g, '')
    const encode = (segment: string) =>
      encodeURIComponent(segment).replace(/[!'()*]/g, each => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)
    const canonical = decodeURIComponent(path).split('/').map(encode).join('/')
    const hash = (text: string) => createHash('sha256').update(text).digest('hex')
    const canonicalPath = canonical.endsWith('/') ? canonical : `${canonical}/`
    const request = ['GET', canonicalPath, '', `x-sdk-date:${dateTime}\n`, 'x-sdk-date', hash('')].join('\n')
    const toSign = `SDK-HMAC-SHA256\n${dateTime}\n${hash(request)}`
    const signature = createHmac('sha256', secretKey).update(toSign).digest('hex')
    const authorization = `SDK-HMAC-SHA256 Access=${accessKey}, SignedHeaders=x-sdk-date, Signature=${signature}`
    return {
      ...{ what: path, method: 'GET', target: path, body: '' },
      headers: [
        ['Host', 'swr.example.org'],
        ['X-Sdk-Date', dateTime],
        ['Authorization', authorization],
      ],
    }
  }

  test.each([
    ['/v2/manage/namespaces', 200],
    ['/v2/manage/%6eamespaces', 404],
    ['/v2/manage/namespaces/nowhere/repos/a%7Cb', 400],
    ['/v2/manage/namespaces/nowhere/repos/a|b', 400],
    ['/v2/manage/namespaces/nowhere/repos/a{b}', 400],
    ['/v2/manage/namespaces/nowhere/repos/a"<>^`b', 400],
    // What Bun resolves before anyone sees it is not what was signed.
    ['/v2/manage/x/../namespaces', 401],
    ['/v2/manage/./namespaces', 401],
    ['/v2/manage/x/%2e%2e/namespaces', 401],
    ['/v2/manage/x\\..\\namespaces', 401],
  ])('a signature over the path %s is answered %p', async (path, status) => {
    expect(await statusOf(signedOver(path))).toBe(status)
  })
})
