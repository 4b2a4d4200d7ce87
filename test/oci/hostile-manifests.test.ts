import { expect, test } from 'bun:test'
import { connect } from 'node:net'
import { describeRegistry } from './describe-registry.ts'
import { imageOf } from './operations.ts'
import { ociImage } from './registry-client.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const name = 'group/hostile'
const good = imageOf('layer')
const withField = (json: string) => good.replace('{', `{${json},`)
/** The image with its one layer so many times, as large as it says. */
const withLayers = (count: number, size: string) =>
  good.replace(/"layers":\[(.*)\]/, (_, layer: string) => {
    const layers = Array.from({ length: count }, () => layer.replace(/"size":\d+/, size))
    return `"layers":[${layers.join()}]`
  })

/** Documents that some reader takes for something else, or that ask for more than they are worth. */
const documents: [what: string, body: string | Uint8Array<ArrayBuffer>, status: number][] = [
  ['100,000 lists in each other', withField(`"x":${'['.repeat(100_000)}${']'.repeat(100_000)}`), 400],
  ['100,000 objects in each other', withField(`"x":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`), 400],
  ['a key twice', withField('"layers":[]'), 400],
  ['a key twice, once escaped', withField('"\\u006cayers":[]'), 400],
  ['a key in another case', withField('"Layers":[]'), 400],
  ['a size past 2^53', good.replace('"size":5', '"size":9007199254740993'), 400],
  ['a size of a hundred digits', good.replace('"size":5', `"size":${'9'.repeat(100)}`), 400],
  ['a size with an exponent', good.replace('"size":5', '"size":1e400'), 400],
  ['a negative size', good.replace('"size":5', '"size":-5'), 400],
  ['an image that is an index, too', withField('"manifests":[]'), 400],
  ['invalid UTF-8', new Uint8Array([...utf8(withField('"x":"')).subarray(0, -1), 0xff, 0x22, 0x7d]), 400],
  ['a byte order mark', new Uint8Array([0xef, 0xbb, 0xbf, ...utf8(good)]), 400],
  ['a lone surrogate in an annotation', withField('"annotations":{"a":"\\ud800"}'), 400],
  ['a list of a million nothings', withField(`"annotations":[${'0,'.repeat(1_000_000)}0]`), 400],
  ['an odd size beside a million numbers', withField(`"size":1.5,"x":[${'0,'.repeat(1_000_000)}0]`), 201],
  ['a million odd sizes', withField(`"x":[${'{"size":1.5},'.repeat(300_000)}0]`), 201],
  ['layers that are larger together than can be counted', withLayers(1_025, '"size":9007199254740991'), 400],
  ['more layers than there can be', good.replace(/"layers":\[.*\]/, `"layers":[${'{},'.repeat(20_000)}{}]`), 400],
  ['nothing at all', '', 400],
  ['keys named like object properties', withField('"__proto__":{"layers":[]},"constructor":{"prototype":1}'), 201],
  ['annotations named like object properties', withField('"annotations":{"__proto__":"x","toString":"y"}'), 201],
  ['annotations of almost 4 MiB', withField(`"annotations":{"a":"${'x'.repeat(4_193_000)}"}`), 201],
  ['a body of 4 MiB and a byte', good + ' '.repeat(4_194_305 - good.length), 413],
]

describeRegistry('hostile manifests', registry => {
  test.each(documents)('%s', async (_what, body, status) => {
    const { client } = registry.at
    await client.pushBlob(name, '{}')
    await client.pushBlob(name, 'layer')
    const startedMs = performance.now()
    const answer = await client.request('PUT', `/v2/${name}/manifests/v1`, {
      headers: { 'content-type': ociImage },
      body,
    })
    expect(answer.status).toBe(status)
    expect(performance.now() - startedMs).toBeLessThan(5_000)
    if (status === 201) {
      const stored = await client.request('GET', `/v2/${name}/manifests/${answer.headers.get('docker-content-digest')}`)
      expect(await stored.text()).toBe(String(body))
    } else {
      const { errors } = (await answer.json()) as { errors: { code: string; message: string }[] }
      expect(errors[0]?.code).toBe(status === 413 ? 'SIZE_INVALID' : 'MANIFEST_INVALID')
      expect(errors[0]?.message.length).toBeLessThan(500)
    }
    expect(({} as Record<string, unknown>).layers).toBeUndefined()
  })

  test('a body without end is refused at the limit, and its connection closed', async () => {
    const { server } = registry.at
    const { hostname, port } = new URL(server.url)
    const before = process.memoryUsage().rss
    const socket = connect(Number(port), hostname)
    let sentBytes = 0
    socket.resume()
    const closed = new Promise<void>(resolve => socket.on('close', () => resolve()))
    socket.on('error', () => {})
    socket.write(
      `PUT /v2/${name}/manifests/endless HTTP/1.1\r\nHost: ${server.host}\r\nAuthorization: ${server.basic}\r\nContent-Type: ${ociImage}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    )
    const chunk = Buffer.from(`10000\r\n${' '.repeat(0x10000)}\r\n`)
    const send = () => {
      while (!socket.destroyed && sentBytes < 100 * 1024 * 1024) {
        sentBytes += 0x10000
        if (!socket.write(chunk)) return void socket.once('drain', send)
      }
    }
    send()
    await closed
    // Whoever goes on sending may lose the answer to the end of the connection; the log has it.
    expect(server.log.filter(line => line.includes('"oci.manifest"')).at(-1)).toContain('"status":413')
    // What sockets hold on the way comes on top of the limit.
    expect(sentBytes).toBeLessThan(32 * 1024 * 1024)
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
  })
})
