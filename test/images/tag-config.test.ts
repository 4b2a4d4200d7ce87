import { expect, test } from 'bun:test'
import { mediaTypes } from '../../src/protocol/oci/media-types.ts'
import { describeRegistry } from '../oci/describe-registry.ts'
import { descriptorOf, digestOf, imageOf, indexOf, putManifest } from '../oci/manifests-of-tests.ts'
import { manage } from './manage-client.ts'

describeRegistry('the config of an image', registry => {
  const ask = (path: string) => manage(registry.at.server, `GET /group/repos/${path}`)
  const pushImage = async (reference: string, config: string, more: object = {}) => {
    const [name = ''] = reference.split(':')
    await registry.at.client.pushBlob(name, config)
    expect((await putManifest(registry.at.client, reference, imageOf(config, [], more))).status).toBe(201)
  }

  test('comes as it was pushed, small or large', async () => {
    // Written as no serializer would write it.
    const small = '{ "os":"linux",\n "big": 12345678901234567890, "text": "ü" }'
    const large = `{"history": [${'"a long line of history", '.repeat(10_000)}1]}`
    for (const [tag, config] of [
      ['small', small],
      ['large', large],
    ] as const) {
      await pushImage(`group/a/b:${tag}`, config)
      const shown = await ask(`a$b/tags/${tag}/config`)
      expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'application/json'])
      expect(shown.text).toBe(config)
    }
  })

  test('of an index, or of an artifact without one, is 400 4000066', async () => {
    const { client } = registry.at
    await client.pushBlob('group/none', 'blob')
    const artifact = JSON.stringify({ mediaType: mediaTypes.ociArtifact, blobs: [descriptorOf('blob')] })
    expect((await putManifest(client, 'group/none:artifact', artifact)).status).toBe(201)
    expect((await putManifest(client, 'group/none:index', indexOf([]))).status).toBe(201)
    for (const tag of ['artifact', 'index']) {
      const refused = await ask(`none/tags/${tag}/config`)
      expect([refused.status, refused.code]).toEqual([400, '4000066'])
    }
  })

  test.each([
    ['no JSON', 'not json'],
    ['JSON but no document', 'null'],
    ['more than 4 MiB', JSON.stringify({ text: 'x'.repeat(4 * 1024 * 1024) })],
  ])('that is %s is 400 4000066', async (_what, config) => {
    await pushImage('group/odd:v1', config)
    const refused = await ask('odd/tags/v1/config')
    expect([refused.status, refused.code]).toEqual([400, '4000066'])
  })

  test('that is not there is 404 with the code of what is missing', async () => {
    await pushImage('group/here:v1', '{}')
    for (const [path, code] of [
      ['here/tags/v2/config', '4040048'],
      ['nothing/tags/v1/config', '4040010'],
    ]) {
      const refused = await ask(path ?? '')
      expect([refused.status, refused.code]).toEqual([404, code ?? ''])
    }
  })
})

describeRegistry(
  'the config of an image whose blobs are missing',
  registry => {
    test('is 404 4041051', async () => {
      const image = imageOf('{"never":"pushed"}', [])
      await registry.at.client.pushBlob('group/sparse', 'something')
      expect((await putManifest(registry.at.client, 'group/sparse:v1', image)).status).toBe(201)
      const refused = await manage(registry.at.server, 'GET /group/repos/sparse/tags/v1/config')
      expect([refused.status, refused.code]).toEqual([404, '4041051'])
      const { body } = await manage(registry.at.server, 'GET /group/repos/sparse/tags/v1')
      expect(body.image_id).toBe(digestOf('sha256', '{"never":"pushed"}').slice('sha256:'.length))
    })
  },
  { STOWER_SPARSE_MANIFESTS: 'true' },
)
