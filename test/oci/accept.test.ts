import { expect, test } from 'bun:test'
import { mediaTypes } from '../../src/protocol/oci/media-types.ts'
import { describeRegistry, type TestRegistry } from './describe-registry.ts'
import { descriptorOf, digestOf, errorsOf, imageOf, indexOf, mediaTypeOf, putManifest } from './manifests-of-tests.ts'

const { ociImage, ociIndex, dockerImage, dockerList } = mediaTypes
const config = '{"of":"accept"}'
const image = (text: string) => imageOf(config, [], { annotations: { text } })
const platform = (os: string, architecture: string) => ({ platform: { os, architecture } })
const childOf = (manifest: string, of: object) => ({ ...descriptorOf(manifest, mediaTypeOf(manifest)), ...of })
const [arm, amd, windows] = [image('arm'), image('amd'), image('windows')] as const
const children = [
  childOf(windows, platform('windows', 'amd64')),
  childOf(arm, platform('linux', 'arm64')),
  childOf(amd, platform('linux', 'amd64')),
]
const index = indexOf(children)

async function pushAll(registry: TestRegistry): Promise<void> {
  const { client } = registry.at
  await client.pushBlob('group/accept', config)
  for (const body of [arm, amd, windows]) {
    await putManifest(client, `group/accept@${digestOf('sha256', body)}`, body)
  }
  await putManifest(client, 'group/accept:index', index)
  await putManifest(client, 'group/accept:image', arm)
  await putManifest(client, 'group/accept:other', indexOf(children.slice(0, 2)))
}

describeRegistry('Accept', registry => {
  /** Several Accept headers need a client that sends them one by one. */
  const ask = async (method: string, reference: string, accept: readonly string[]) => {
    const url = new URL(`${registry.at.server.url}/v2/group/accept/manifests/${reference}`)
    const lines = [
      `${method} ${url.pathname} HTTP/1.1`,
      `Host: ${url.host}`,
      `Authorization: ${registry.at.server.basic}`,
      ...accept.map(value => `Accept: ${value}`),
      'Connection: close',
    ]
    const chunks: Uint8Array[] = []
    await new Promise<void>((resolve, reject) => {
      void Bun.connect({
        hostname: url.hostname,
        port: Number(url.port),
        socket: {
          open: socket => void socket.write(`${lines.join('\r\n')}\r\n\r\n`),
          data: (_socket, chunk) => void chunks.push(new Uint8Array(chunk)),
          close: () => resolve(),
          error: (_socket, error) => reject(error),
        },
      }).catch(reject)
    })
    const [head = '', body = ''] = Buffer.concat(chunks)
      .toString()
      .split(/\r\n\r\n(.*)/s)
    const [statusLine = '', ...headerLines] = head.split('\r\n')
    const headers = new Headers(headerLines.map(line => line.split(/: (.*)/s).slice(0, 2) as [string, string]))
    return { status: Number(statusLine.split(' ')[1]), headers, body }
  }

  test('is answered with the stored type, the linux/amd64 image of an index, or 404', async () => {
    await pushAll(registry)
    const byDigest = digestOf('sha256', index)
    const table: [reference: string, accept: string[], body: string | undefined][] = [
      ['index', [], index],
      ['index', [''], index],
      ['index', ['*/*'], index],
      ['index', ['application/*'], index],
      ['index', [ociIndex], index],
      ['index', [ociImage, dockerList, ociIndex], index],
      ['index', [`${ociImage}, ${ociIndex};q=0.1`], index],
      ['index', [`  ${ociIndex} ;  q=0.5 `], index],
      ['index', [`${ociImage}, ${dockerImage}`], amd],
      ['index', [dockerImage, ociImage], amd],
      ['index', [`${ociImage};q=0.9`, `${ociIndex};q=0`], amd],
      ['index', [dockerImage], undefined],
      ['index', ['application/json'], undefined],
      ['index', ['text/html'], undefined],
      ['other', [ociImage], undefined],
      ['image', [ociImage], arm],
      ['image', [ociIndex], undefined],
      ['image', [`*/*;q=0.1`], arm],
      ['image', [`${ociImage};q=0, */*`], undefined],
      [byDigest, [ociIndex], index],
      [byDigest, [ociImage], undefined],
      [byDigest, ['*/*'], index],
    ]
    for (const [reference, accept, body] of table) {
      const [get, head] = [await ask('GET', reference, accept), await ask('HEAD', reference, accept)]
      const row = [reference, accept]
      expect([...row, get.status]).toEqual([...row, body === undefined ? 404 : 200])
      if (body !== undefined) {
        expect([...row, get.body]).toEqual([...row, body])
        expect(get.headers.get('content-type')).toBe(mediaTypeOf(body))
        expect(get.headers.get('docker-content-digest')).toBe(digestOf('sha256', body))
        expect(get.headers.get('etag')).toBe(`"${digestOf('sha256', body)}"`)
        expect(get.headers.get('content-length')).toBe(String(body.length))
      } else {
        expect(get.body).toContain('MANIFEST_UNKNOWN')
        expect(get.body).toContain('which the Accept header does not name')
      }
      for (const name of ['content-type', 'content-length', 'docker-content-digest', 'etag']) {
        expect([...row, name, head.headers.get(name)]).toEqual([...row, name, get.headers.get(name)])
      }
      expect([head.status, head.body]).toEqual([get.status, ''])
    }
  })

  test('is kept to by If-None-Match: who has the image is told so, who has the index is not', async () => {
    await pushAll(registry)
    const ask = (has: string) =>
      registry.at.client.request('GET', '/v2/group/accept/manifests/index', {
        headers: { accept: ociImage, 'if-none-match': `"${digestOf('sha256', has)}"` },
      })
    expect((await ask(amd)).status).toBe(304)
    expect((await ask(index)).status).toBe(200)
  })
})

describeRegistry(
  'Accept where an index is kept in part',
  registry => {
    test('a missing linux/amd64 image is 404', async () => {
      await putManifest(registry.at.client, 'group/part:index', index)
      const answer = await registry.at.client.request('GET', '/v2/group/part/manifests/index', {
        headers: { accept: ociImage },
      })
      expect([answer.status, await errorsOf(answer)]).toEqual([404, [['MANIFEST_UNKNOWN', digestOf('sha256', index)]]])
    })
  },
  { STOWER_SPARSE_MANIFESTS: 'true' },
)
