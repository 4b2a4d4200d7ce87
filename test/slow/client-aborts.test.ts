import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readdirSync, statSync } from 'node:fs'
import { describeEngines } from '../databases.ts'
import { ociImage, type RegistryClient, registryClient, sha256 } from '../oci/registry-client.ts'
import { createOrganization, startTestServer, type TestServer } from '../server.ts'
import { openFilesBelow } from './open-files.ts'
import { connectRaw, eventually, requestHead } from './raw-connection.ts'

const content = new Uint8Array(1024 * 1024).map((_byte, index) => index % 251)
const halfBytes = content.byteLength / 2
/** Bytes that the store gathers before it writes them. */
const batchBytes = 256 * 1024
const digest = sha256(content)

/** Where the client goes away, as what it has sent by then. */
type Stage = {
  title: string
  method: 'PATCH' | 'PUT'
  send: (head: (headers: Record<string, string>) => string) => (string | Uint8Array)[]
  /** Bytes that the server has taken when it leaves, at least and at most; undefined where no request has come. */
  kept: readonly [least: number, most: number] | undefined
  /** It leaves when the answer has come, else when so much is staged. */
  waitsForAnswer?: true
}

const length = { 'content-length': String(content.byteLength) }
const stages: readonly Stage[] = [
  { title: 'in the request line', method: 'PATCH', send: head => [head(length).slice(0, 20)], kept: undefined },
  { title: 'in the headers', method: 'PATCH', send: head => [head(length).slice(0, -10)], kept: undefined },
  { title: 'after the headers', method: 'PATCH', send: head => [head(length)], kept: [0, 0] },
  {
    title: 'in a body',
    method: 'PATCH',
    send: head => [head(length), content.subarray(0, halfBytes)],
    kept: [batchBytes, halfBytes],
  },
  {
    title: 'between two chunks of a stream',
    method: 'PATCH',
    send: head => [
      head({ 'transfer-encoding': 'chunked' }),
      `${halfBytes.toString(16)}\r\n`,
      content.subarray(0, halfBytes),
      '\r\n',
    ],
    kept: [batchBytes, halfBytes],
  },
  {
    title: 'in a chunk of a stream',
    method: 'PATCH',
    send: head => [
      head({ 'transfer-encoding': 'chunked' }),
      `${content.byteLength.toString(16)}\r\n`,
      content.subarray(0, halfBytes),
    ],
    kept: [batchBytes, halfBytes],
  },
  {
    title: 'after the body',
    method: 'PATCH',
    send: head => [head(length), content],
    kept: [content.byteLength, content.byteLength],
    waitsForAnswer: true,
  },
  {
    title: 'in the body of the last request',
    method: 'PUT',
    send: head => [head(length), content.subarray(0, halfBytes)],
    kept: [batchBytes, halfBytes],
  },
]

describeEngines('a client that goes away', engine => {
  let server: TestServer
  let client: RegistryClient
  const unhandled: unknown[] = []
  const note = (reason: unknown) => void unhandled.push(reason)

  beforeAll(async () => {
    process.on('unhandledRejection', note)
    server = await startTestServer(engine)
    await createOrganization(server, 'gone')
    client = registryClient(server)
    // What is opened once and kept is open from here on.
    await client.pushImage('gone/app', 'first')
  })
  afterAll(async () => {
    await server.stop()
    process.off('unhandledRejection', note)
  })

  const leases = async () =>
    (await server.database.selectFrom('upload_sessions').select('id').where('lease_until_ms', '>', 0).execute()).length
  const descriptors = () => readdirSync('/proc/self/fd').length

  const stagedBytes = (location: string) => {
    const file = `${server.dataDir}/uploads/${location.split('/').at(-1)}`
    return statSync(file, { throwIfNoEntry: false })?.size ?? 0
  }
  /** Requests that take bytes of an upload and are over, whoever was there to see it. */
  const handled = () => server.log.filter(line => /"method":"(PATCH|PUT)","route":"oci\.upload"/.test(line)).length

  async function startUpload(): Promise<string> {
    const begun = await client.request('POST', '/v2/gone/app/blobs/uploads/')
    return begun.headers.get('location') ?? ''
  }

  /** Bytes that an upload has; none and one read the same. */
  async function offsetOf(location: string): Promise<number> {
    const answer = await client.request('GET', location)
    expect(answer.status).toBe(204)
    const [, last] = /^0-(\d+)$/.exec(answer.headers.get('range') ?? '') ?? []
    return last === '0' ? 0 : Number(last) + 1
  }

  test.each(stages)('$title of an upload ($method) can come back to what it sent', async stage => {
    const before = descriptors()
    const location = await startUpload()
    const handledBefore = handled()
    const path = stage.method === 'PUT' ? `${location}?digest=${digest}` : location
    {
      using connection = await connectRaw(server.url)
      const head = (headers: Record<string, string>) =>
        requestHead(server.url, `${stage.method} ${path}`, { authorization: server.basic, ...headers })
      for (const piece of stage.send(head)) connection.socket.write(piece)
      if (stage.waitsForAnswer) await eventually('it is answered', () => connection.received() > 0)
      else await eventually('its bytes are taken', () => stagedBytes(location) >= (stage.kept?.[0] ?? 0))
    }
    if (stage.kept) await eventually('the request is over', () => handled() > handledBefore)
    expect(await leases()).toBe(0)
    const offset = await offsetOf(location)
    expect(offset).toBeWithin(stage.kept?.[0] ?? 0, (stage.kept?.[1] ?? 0) + 1)
    const rest = content.subarray(offset)
    const range = { 'content-range': `${offset}-${content.byteLength - 1}` }
    const closed = await client.request('PUT', `${location}?digest=${digest}`, {
      body: rest,
      ...(rest.byteLength > 0 && { headers: range }),
    })
    expect(closed.status).toBe(201)
    expect(sha256(await (await client.request('GET', `/v2/gone/app/blobs/${digest}`)).bytes())).toBe(digest)
    await eventually('every descriptor is given back', () => descriptors() <= before + 1)
  })

  test('in a push of one request leaves nothing', async () => {
    const other = new Uint8Array(100_000).fill(5)
    {
      using connection = await connectRaw(server.url)
      const path = `/v2/gone/app/blobs/uploads/?digest=${sha256(other)}`
      const headers = { authorization: server.basic, 'content-length': String(other.byteLength) }
      connection.socket.write(requestHead(server.url, `POST ${path}`, headers))
      connection.socket.write(other.subarray(0, 50_000))
      await eventually('it is being received', () => openFilesBelow(`${server.dataDir}/uploads`) === 1)
    }
    const sessions = await server.database.selectFrom('upload_sessions').select('id').execute()
    await eventually('no bytes are left', () => readdirSync(`${server.dataDir}/uploads`).length === sessions.length)
    expect((await client.request('HEAD', `/v2/gone/app/blobs/${sha256(other)}`)).status).toBe(404)
  })

  test('in a manifest leaves no manifest', async () => {
    const image = await client.pushImage('gone/app', 'whole')
    {
      using connection = await connectRaw(server.url)
      const headers = {
        authorization: server.basic,
        'content-type': ociImage,
        'content-length': String(image.body.length),
      }
      connection.socket.write(requestHead(server.url, 'PUT /v2/gone/app/manifests/cut', headers))
      connection.socket.write(image.body.slice(0, -1))
      await eventually('it is sent', () => connection.socket.bytesWritten > image.body.length)
    }
    expect((await client.request('GET', '/v2/gone/app/manifests/cut')).status).toBe(404)
    await client.pushImage('gone/app', 'cut')
    expect((await client.request('GET', '/v2/gone/app/manifests/cut')).status).toBe(200)
  })

  test('in a pull gives back the file, and nothing of all this is logged as an error or goes unhandled', async () => {
    const large = new Uint8Array(16 * 1024 * 1024)
    const largeDigest = await client.pushBlob('gone/app', large)
    const before = descriptors()
    {
      using connection = await connectRaw(server.url)
      connection.socket.pause()
      const path = `/v2/gone/app/blobs/${largeDigest}`
      connection.socket.write(requestHead(server.url, `GET ${path}`, { authorization: server.basic }))
      await eventually('it is being served', () => openFilesBelow(`${server.dataDir}/blobs`) === 1)
    }
    await eventually(
      'the file is closed',
      () => openFilesBelow(`${server.dataDir}/blobs`) === 0 && descriptors() <= before,
    )
    expect(server.log.filter(line => line.includes('"level":"error"'))).toEqual([])
    expect(unhandled).toEqual([])
  })
})
