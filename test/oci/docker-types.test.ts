import { expect, test } from 'bun:test'
import { describeRegistry } from './describe-registry.ts'
import { descriptorOf, imageOf, indexOf, mediaTypeOf, putManifest } from './manifests-of-tests.ts'

const dockerImage = 'application/vnd.docker.distribution.manifest.v2+json'
const dockerList = 'application/vnd.docker.distribution.manifest.list.v2+json'

describeRegistry('Docker’s media types', registry => {
  const name = 'group/docker-types'
  const images = () => ({
    docker: JSON.stringify({
      schemaVersion: 2,
      mediaType: dockerImage,
      config: descriptorOf('{}', 'application/vnd.docker.container.image.v1+json'),
      layers: [descriptorOf('layer', 'application/vnd.docker.image.rootfs.diff.tar.gzip')],
    }),
    oci: imageOf('{}', ['layer']),
  })
  const listOf = (children: readonly object[]) =>
    JSON.stringify({ schemaVersion: 2, mediaType: dockerList, manifests: children })

  test('images and lists come back byte for byte, of either world and of both at once', async () => {
    const { client } = registry.at
    for (const content of ['{}', 'layer']) await client.pushBlob(name, content)
    const { docker, oci } = images()
    const children = [docker, oci].map(image => ({
      ...descriptorOf(image, mediaTypeOf(image)),
      platform: { architecture: 'amd64', os: 'linux' },
    }))
    // Blanks, the order of keys and a last line end are bytes of the manifest, too.
    const manifests = {
      docker: `${JSON.stringify(JSON.parse(docker), null, '\t')}\n`,
      oci: JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(oci)).reverse()), null, 3),
      'docker-child': docker,
      'oci-child': oci,
      'list-of-both': `${listOf(children)}\n\n`,
      'index-of-both': indexOf(children),
    }
    for (const [tag, body] of Object.entries(manifests)) {
      const put = await putManifest(client, `${name}:${tag}`, body)
      expect([tag, put.status]).toEqual([tag, 201])
      const digest = put.headers.get('docker-content-digest')
      for (const reference of [tag, digest]) {
        const pulled = await client.request('GET', `/v2/${name}/manifests/${reference}`)
        expect([tag, await pulled.text()]).toEqual([tag, body])
        expect(pulled.headers.get('content-type')).toBe(mediaTypeOf(body))
        expect(pulled.headers.get('docker-content-digest')).toBe(digest)
      }
    }
  })

  test('a Content-Type with parameters is that type, and one that is another is refused', async () => {
    const { client } = registry.at
    for (const content of ['{}', 'layer']) await client.pushBlob(name, content)
    const { docker } = images()
    const put = (type: string) => putManifest(client, `${name}:typed`, docker, { 'content-type': type })
    expect((await put(`${dockerImage}; charset=utf-8`)).status).toBe(201)
    const pulled = await client.request('GET', `/v2/${name}/manifests/typed`)
    expect(pulled.headers.get('content-type')).toBe(dockerImage)
    const refused = await put(dockerList)
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('MANIFEST_INVALID')])
  })
})
