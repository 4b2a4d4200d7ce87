import { expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { describeRegistry } from './describe-registry.ts'

describeRegistry('ranges of blobs', registry => {
  const name = 'group/ranges'
  const content = Array.from({ length: 500 }, (_, number) => `${number}`.padStart(4, '0')).join('')
  const get = (digest: string, headers: Record<string, string> = {}, method = 'GET') =>
    registry.at.client.request(method, `/v2/${name}/blobs/${digest}`, { headers })

  test('one range is served as asked', async () => {
    const digest = await registry.at.client.pushBlob(name, content)
    const table = [
      ['bytes=500-1499', 206, 'bytes 500-1499/2000', content.slice(500, 1500)],
      ['bytes=500-', 206, 'bytes 500-1999/2000', content.slice(500)],
      ['bytes=-500', 206, 'bytes 1500-1999/2000', content.slice(1500)],
      ['bytes=-5000', 206, 'bytes 0-1999/2000', content],
      ['bytes=1990-5000', 206, 'bytes 1990-1999/2000', content.slice(1990)],
      ['bytes=0-0', 206, 'bytes 0-0/2000', '0'],
      ['bytes=0-1,5000-6000', 206, 'bytes 0-1/2000', '00'],
      ['bytes=2000-', 416, 'bytes */2000', undefined],
      ['bytes=-0', 416, 'bytes */2000', undefined],
      ['bytes=500-0', 416, 'bytes */2000', undefined],
      ['lines=1-2', 200, null, content],
      ['bytes=a-b', 200, null, content],
    ] as const
    for (const [range, status, contentRange, body] of table) {
      const answer = await get(digest, { range })
      expect([range, answer.status, answer.headers.get('content-range')]).toEqual([range, status, contentRange])
      expect(answer.headers.get('docker-content-digest')).toBe(status === 416 ? null : digest)
      const text = await answer.text()
      if (body === undefined) expect(JSON.parse(text)).toMatchObject({ errors: [{ code: 'RANGE_INVALID' }] })
      else expect(text).toBe(body)
    }
  })

  /** The parts of a `multipart/byteranges` answer, in their order. */
  const partsOf = async (answer: Response) => {
    const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{32})$/.exec(answer.headers.get('content-type') ?? '')
    if (!boundary) throw new Error(`no multipart: ${answer.headers.get('content-type')}`)
    const [before, ...pieces] = (await answer.text()).split(`--${boundary[1]}`)
    expect(before).toBe('')
    expect(pieces.pop()).toBe('--\r\n')
    return pieces.map(piece => {
      const [, type, range, body] =
        /^\r\nContent-Type: (.*)\r\nContent-Range: (.*)\r\n\r\n([\s\S]*)\r\n$/.exec(piece) ?? []
      expect(type).toBe('application/octet-stream')
      return [range, body]
    })
  }

  test('several ranges come as parts of one answer, in the order asked', async () => {
    const digest = await registry.at.client.pushBlob(name, content)
    const answer = await get(digest, { range: 'bytes=1000-1003, 0-7,-4,3000-' })
    expect(answer.status).toBe(206)
    expect(answer.headers.get('content-range')).toBeNull()
    expect(answer.headers.get('docker-content-digest')).toBe(digest)
    expect(await partsOf(answer)).toEqual([
      ['bytes 1000-1003/2000', '0250'],
      ['bytes 0-7/2000', '00000001'],
      ['bytes 1996-1999/2000', '0499'],
    ])
  })

  test('ranges that overlap or are too many are answered with the whole', async () => {
    const digest = await registry.at.client.pushBlob(name, content)
    const many = Array.from({ length: 17 }, (_, index) => `${index * 10}-${index * 10}`).join(',')
    for (const range of ['bytes=0-10,5-20', 'bytes=0-,0-,0-', `bytes=${many}`]) {
      const answer = await get(digest, { range })
      expect([range, answer.status, await answer.text()]).toEqual([range, 200, content])
    }
  })

  test('ranges of a large blob are streamed whole, and a client may go away in the middle of them', async () => {
    const large = new Uint8Array(24 * 1024 * 1024).map((_, index) => index * 7 + (index >> 10))
    const digest = await registry.at.client.pushBlob(name, large)
    const range = `bytes=0-9999999,12000000-${large.length - 1}`
    const left = await get(digest, { range })
    const reader = left.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    const answer = await get(digest, { range })
    const body = new Uint8Array(await answer.arrayBuffer())
    const bodyText = new TextDecoder('latin1').decode(body.subarray(0, 400))
    const start = bodyText.indexOf('\r\n\r\n') + 4
    const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    expect(hash(body.subarray(start, start + 10_000_000))).toBe(hash(large.subarray(0, 10_000_000)))
    const second = new TextDecoder('latin1').decode(body.subarray(start + 10_000_000, start + 10_000_400))
    const secondStart = start + 10_000_000 + second.indexOf('\r\n\r\n') + 4
    const rest = large.subarray(12_000_000)
    expect(hash(body.subarray(secondStart, secondStart + rest.length))).toBe(hash(rest))
    expect(new TextDecoder().decode(body.subarray(secondStart + rest.length))).toMatch(/^\r\n--[0-9a-f]{32}--\r\n$/)
  })

  test('If-Range serves the part only to who has this content, and If-None-Match comes before both', async () => {
    const digest = await registry.at.client.pushBlob(name, content)
    const range = 'bytes=0-3'
    const statusOf = async (headers: Record<string, string>) => (await get(digest, { range, ...headers })).status
    expect(await statusOf({ 'if-range': `"${digest}"` })).toBe(206)
    for (const other of ['"sha256:other"', `W/"${digest}"`, digest, 'Wed, 21 Oct 2015 07:28:00 GMT']) {
      expect([other, await statusOf({ 'if-range': other })]).toEqual([other, 200])
    }
    for (const tags of [`"${digest}"`, `W/"${digest}"`, `"a", "${digest}"`, '*']) {
      const unchanged = await get(digest, { range, 'if-none-match': tags })
      expect([tags, unchanged.status, await unchanged.text()]).toEqual([tags, 304, ''])
      expect(unchanged.headers.get('etag')).toBe(`"${digest}"`)
      expect((await get(digest, { 'if-none-match': tags }, 'HEAD')).status).toBe(304)
    }
    expect(await statusOf({ 'if-none-match': '"other"' })).toBe(206)
  })

  test('HEAD knows no ranges, and tells of the whole blob', async () => {
    const digest = await registry.at.client.pushBlob(name, content)
    for (const range of ['bytes=0-3', 'bytes=0-3,5-6', 'bytes=5000-']) {
      const head = await get(digest, { range }, 'HEAD')
      expect([range, head.status, head.headers.get('content-length')]).toEqual([range, 200, '2000'])
      expect(head.headers.get('content-range')).toBeNull()
      expect(head.headers.get('accept-ranges')).toBe('bytes')
    }
  })

  test('a blob without bytes is served as such, and has no ranges', async () => {
    const digest = await registry.at.client.pushBlob(name, '')
    const whole = await get(digest)
    expect([whole.status, whole.headers.get('content-length'), await whole.text()]).toEqual([200, '0', ''])
    const head = await get(digest, {}, 'HEAD')
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '0'])
    for (const range of ['bytes=0-', 'bytes=0-0', 'bytes=-1', 'bytes=0-0,1-1']) {
      const answer = await get(digest, { range })
      expect([range, answer.status, answer.headers.get('content-range')]).toEqual([range, 416, 'bytes */0'])
    }
  })

  test('what a repository does not hold has no part there, whoever else holds it', async () => {
    const digest = await registry.at.client.pushBlob('group/elsewhere', 'elsewhere')
    expect((await get(digest, { range: 'bytes=0-1' })).status).toBe(404)
  })

  test('a blob may be kept for ever, and what a tag names or a refusal may not', async () => {
    const { client } = registry.at
    const { digest } = await client.pushImage(name, 'v1')
    const blob = await client.pushBlob(name, content)
    const keptFor = async (path: string, method = 'GET', headers: Record<string, string> = {}) =>
      (await client.request(method, `/v2/${name}/${path}`, { headers })).headers.get('cache-control')
    const forEver = 'private, max-age=31536000, immutable'
    expect(await keptFor(`blobs/${blob}`)).toBe(forEver)
    expect(await keptFor(`blobs/${blob}`, 'HEAD')).toBe(forEver)
    expect(await keptFor(`blobs/${blob}`, 'GET', { range: 'bytes=0-9' })).toBe(forEver)
    expect(await keptFor(`blobs/${blob}`, 'GET', { 'if-none-match': `"${blob}"` })).toBe(forEver)
    const changing = ['manifests/v1', `manifests/${digest}`, 'tags/list', `referrers/${digest}`, `blobs/${digest}`]
    for (const path of changing) expect([path, await keptFor(path)]).toEqual([path, null])
    expect(await keptFor('manifests/v1', 'HEAD')).toBeNull()
    expect(await keptFor('manifests/v1', 'GET', { 'if-none-match': `"${digest}"` })).toBeNull()
  })
})
