import { expect, test } from 'bun:test'
import { mediaTypes } from '../../src/protocol/oci/media-types.ts'
import { describeRegistry } from './describe-registry.ts'
import { descriptorOf, digestOf, errorsOf, imageOf, indexOf, putManifest } from './manifests-of-tests.ts'

const { ociImage, ociIndex, ociArtifact, ociConfig, ociForeignLayer, dockerImage, dockerList, dockerConfig } =
  mediaTypes
const schema1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws'
const empty = '{}'
const config = descriptorOf(empty, ociConfig)
const image = { schemaVersion: 2, mediaType: ociImage, config, layers: [] as object[] }
const index = { schemaVersion: 2, mediaType: ociIndex, manifests: [] as object[] }
const { mediaType: _, ...untyped } = image

describeRegistry('manifests by the rules', registry => {
  const put = async (reference: string, body: string, contentType: string | undefined) => {
    await registry.at.client.pushBlob('group/rules', empty)
    return registry.at.client.request('PUT', `/v2/group/rules/manifests/${reference}`, {
      ...(contentType !== undefined && { headers: { 'content-type': contentType } }),
      // Of bytes nobody makes up a type.
      body: new TextEncoder().encode(body),
    })
  }
  const get = (reference: string, method = 'GET') =>
    registry.at.client.request(method, `/v2/group/rules/manifests/${reference}`)

  test.each<[title: string, document: object | string, contentType: string | undefined, servedAs: string | undefined]>([
    ['an image', image, ociImage, ociImage],
    ['parameters of the Content-Type are left out', image, `${ociImage}; charset=utf-8`, ociImage],
    ['no Content-Type: the document says', image, undefined, ociImage],
    ['no mediaType: the Content-Type says', untyped, ociImage, ociImage],
    ['neither says', untyped, undefined, undefined],
    ['they differ', image, dockerImage, undefined],
    ['a type of no manifest, beside the right one', image, 'application/json', undefined],
    [
      'an unknown type',
      { ...image, mediaType: 'application/vnd.example+json' },
      'application/vnd.example+json',
      undefined,
    ],
    ['an unknown type that only the header names', untyped, 'application/vnd.example+json', undefined],
    ['image and index at once', { ...image, manifests: [] }, ociImage, undefined],
    ['index and image at once', { ...index, layers: [] }, ociIndex, undefined],
    ['an index with a config', { ...index, config }, ociIndex, undefined],
    ['a key twice', `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":[],"manifests":[]}`, ociIndex, undefined],
    ['a key in another case', { ...index, Manifests: [] }, ociIndex, undefined],
    ['no JSON', 'not json', ociImage, undefined],
    ['a list', '[]', ociImage, undefined],
    ['nothing', '', ociImage, undefined],
    [
      'a size that is no exact number',
      `{"schemaVersion":2,"mediaType":"${ociImage}","config":{"mediaType":"${ociConfig}","digest":"${config.digest}","size":9007199254740993},"layers":[]}`,
      ociImage,
      undefined,
    ],
    ['an index without children', index, ociIndex, ociIndex],
    ['an index with artifactType', { ...index, artifactType: 'application/x' }, ociIndex, ociIndex],
    [
      'an index with a subject that is missing',
      { ...index, subject: descriptorOf('gone', ociImage) },
      ociIndex,
      ociIndex,
    ],
    ['a Docker list of OCI images', { ...index, mediaType: dockerList }, dockerList, dockerList],
    [
      'a Docker image',
      { ...image, mediaType: dockerImage, config: { ...config, mediaType: dockerConfig } },
      dockerImage,
      dockerImage,
    ],
    [
      'an OCI artifact manifest',
      { mediaType: ociArtifact, artifactType: 'application/x', blobs: [] },
      ociArtifact,
      ociArtifact,
    ],
    ['fields of others', { ...image, 'org.example': { any: [1.5, null] } }, ociImage, ociImage],
    [
      'a config of any type',
      { ...image, config: { ...config, mediaType: 'application/vnd.cncf.helm.config.v1+json' } },
      ociImage,
      ociImage,
    ],
    ['data that is its content', { ...image, config: { ...config, data: btoa(empty) } }, ociImage, ociImage],
    ['data that is another', { ...image, config: { ...config, data: btoa('[]') } }, ociImage, undefined],
  ])('%s', async (title, document, contentType, servedAs) => {
    // Each of its own bytes, and not as a serializer would write them.
    const body = typeof document === 'string' ? document : ` ${JSON.stringify({ ...document, title }, null, 3)}\n`
    const reference = digestOf('sha256', body)
    const answer = await put(reference, body, contentType)
    if (servedAs === undefined) {
      expect([answer.status, await errorsOf(answer)]).toEqual([400, [['MANIFEST_INVALID', undefined]]])
      expect((await get(reference)).status).toBe(404)
      return
    }
    expect([answer.status, answer.headers.get('docker-content-digest')]).toEqual([201, reference])
    const subject = (document as { subject?: { digest: string } }).subject
    expect(answer.headers.get('oci-subject')).toBe(subject?.digest ?? null)
    const got = await get(reference)
    expect([got.status, got.headers.get('content-type'), await got.text()]).toEqual([200, servedAs, body])
  })

  test.each([
    ['by its types', { schemaVersion: 1, mediaType: schema1, fsLayers: [] }, schema1],
    ['as application/json', { schemaVersion: 1, name: 'x', tag: 'y', fsLayers: [] }, 'application/json'],
  ])('Docker schema 1 %s is refused with a sentence that helps', async (_title, document, contentType) => {
    const answer = await put('old', JSON.stringify(document), contentType)
    const text = await answer.text()
    expect(answer.status).toBe(400)
    expect(text).toContain('Docker manifest schema 1 is not accepted; push with a client that writes schema 2 or OCI')
  })

  test('a body that is not of its digest is refused, whichever the algorithm', async () => {
    const body = JSON.stringify(image)
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const wrong = digestOf(algorithm, 'another')
      const answer = await put(wrong, body, ociImage)
      expect([answer.status, await errorsOf(answer)]).toEqual([400, [['DIGEST_INVALID', undefined]]])
      expect((await get(wrong)).status).toBe(404)
      expect((await put(digestOf(algorithm, body), body, ociImage)).status).toBe(201)
    }
  })

  test('a document that does not say its type keeps the one it came with first', async () => {
    const body = JSON.stringify({ ...untyped, annotations: { of: 'two types' } })
    expect((await put('first', body, ociImage)).status).toBe(201)
    const refused = await put('second', body, dockerImage)
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining(`as ${ociImage}: push it`)])
    expect((await get('second')).status).toBe(404)
    expect((await put('second', body, ociImage)).status).toBe(201)
    expect((await get('second')).headers.get('content-type')).toBe(ociImage)
  })

  test('an image of 4 MiB is accepted, a byte more is 413, also without a length and without an end', async () => {
    const fit = (bytes: number) => {
      const empty = JSON.stringify({ ...image, annotations: { text: '' } })
      return JSON.stringify({ ...image, annotations: { text: 'x'.repeat(bytes - empty.length) } })
    }
    const largest = fit(4_194_304)
    expect((await put('large', largest, ociImage)).status).toBe(201)
    expect((await (await get('large')).arrayBuffer()).byteLength).toBe(4_194_304)
    expect((await put('larger', fit(4_194_305), ociImage)).status).toBe(413)
    let sentBytes = 0
    const endless = new ReadableStream({
      pull: controller => {
        sentBytes += 65_536
        controller.enqueue(new Uint8Array(65_536).fill(0x20))
      },
    })
    const answer = await fetch(`${registry.at.server.url}/v2/group/rules/manifests/endless`, {
      method: 'PUT',
      headers: { authorization: registry.at.server.basic, 'content-type': ociImage },
      body: endless,
    })
    expect(answer.status).toBe(413)
    expect(sentBytes).toBeLessThan(64 * 1024 * 1024)
  })

  test('a tag that is moved is moved for GET, HEAD and the list with the answer', async () => {
    const bodies = Array.from({ length: 5 }, (_, number) => imageOf(empty, [], { annotations: { n: `${number}` } }))
    const tags = async () => {
      const list = await registry.at.client.request('GET', '/v2/group/rules/tags/list')
      return ((await list.json()) as { tags: string[] }).tags.filter(tag => tag.startsWith('moving'))
    }
    for (const [number, body] of bodies.entries()) {
      await put('moving', body, ociImage)
      await put(`moving-${number}`, body, ociImage)
      const others = bodies.slice(0, number + 1).map((_, each) => `moving-${each}`)
      expect(await tags()).toEqual(['moving', ...others])
      expect(await (await get('moving')).text()).toBe(body)
      expect((await get('moving', 'HEAD')).headers.get('docker-content-digest')).toBe(digestOf('sha256', body))
    }
  })

  test('what is deprecated is accepted with one warning, pushed and pulled', async () => {
    const { client } = registry.at
    const artifact = JSON.stringify({ mediaType: ociArtifact, artifactType: 'application/x', blobs: [] })
    const pushed = await put('artifact', artifact, ociArtifact)
    expect(pushed.headers.get('warning')).toMatch(/^299 - "application\/vnd\.oci\.artifact\S+ was withdrawn [^"]+"$/)
    expect((await get('artifact')).headers.get('warning')).toBe(pushed.headers.get('warning'))
    expect((await get('artifact', 'HEAD')).headers.get('warning')).toBe(pushed.headers.get('warning'))
    const layers = [{ ...descriptorOf('vendor', ociForeignLayer), urls: ['https://vendor.example/'] }]
    const foreign = await putManifest(client, 'group/rules:foreign', imageOf(empty, [], { layers }))
    expect([foreign.status, foreign.headers.get('warning')]).toEqual([
      201,
      '299 - "Layers of non-distributable media types are deprecated: their content may be missing here."',
    ])
    const plain = await put('plain', JSON.stringify(image), ociImage)
    expect([plain.headers.get('warning'), (await get('plain')).headers.get('warning')]).toEqual([null, null])
  })

  test('a browser runs nothing of what is served, errors included', async () => {
    const { client } = registry.at
    const script = '<script>alert(1)</script>'
    await client.pushBlob('group/rules', script)
    await put('scripted', JSON.stringify({ ...image, annotations: { a: script } }), ociImage)
    for (const path of ['manifests/scripted', `blobs/${digestOf('sha256', script)}`]) {
      const answer = await client.request('GET', `/v2/group/rules/${path}`)
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
    }
    for (const path of ['tags/list', 'manifests/absent', 'manifests/<script>']) {
      const answer = await client.request('GET', `/v2/group/rules/${path}`)
      expect(answer.headers.get('content-type')).toBe('application/json')
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    }
  })

  test('an index of an index of images is pulled whole', async () => {
    const child = imageOf(empty, [])
    const inner = indexOf([child])
    const outer = indexOf([inner, child])
    for (const body of [child, inner, outer]) {
      expect((await put(digestOf('sha256', body), body, JSON.parse(body).mediaType)).status).toBe(201)
    }
    expect(await (await get(digestOf('sha256', outer))).text()).toBe(outer)
  })
})
