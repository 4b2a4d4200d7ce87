import { expect, test } from 'bun:test'
import { describeRegistry } from './describe-registry.ts'
import { putManifest } from './operations.ts'
import { sha256 } from './registry-client.ts'

const ociIndex = 'application/vnd.oci.image.index.v1+json'

describeRegistry('content that comes, goes and comes again', registry => {
  const status = async (path: string) => (await registry.at.client.request('GET', `/v2/${path}`)).status

  test('what is deleted is gone at once, however often it was read before, and cannot be mounted', async () => {
    const { client } = registry.at
    const { digest } = await client.pushImage('group/warm', 'v1', ['warm layer'])
    const blob = sha256('warm layer')
    const paths = [`group/warm/manifests/v1`, `group/warm/manifests/${digest}`, `group/warm/blobs/${blob}`]
    for (const path of [...paths, ...paths]) expect(await status(path)).toBe(200)
    expect((await client.request('DELETE', `/v2/group/warm/manifests/${digest}`)).status).toBe(202)
    expect((await client.request('DELETE', `/v2/group/warm/blobs/${blob}`)).status).toBe(202)
    for (const path of paths) {
      expect([path, await status(path)]).toEqual([path, 404])
      expect((await client.request('HEAD', `/v2/${path}`)).status).toBe(404)
    }
    const mount = await client.request('POST', `/v2/group/cold/blobs/uploads/?mount=${blob}&from=group/warm`)
    expect(mount.status).toBe(202)
    expect((await client.request('DELETE', `/v2/group/warm/manifests/${digest}`)).status).toBe(404)
    expect((await client.request('DELETE', `/v2/group/warm/blobs/${blob}`)).status).toBe(404)
  })

  test('the tags that clients without the referrers API keep can be pushed, read and deleted', async () => {
    const { client } = registry.at
    const { digest } = await client.pushImage('group/fallback', 'v1')
    for (const tag of [digest.replace(':', '-'), `${digest.replace(':', '-')}.sig`, `sha512-${'a'.repeat(64)}`]) {
      const empty = JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests: [] })
      expect((await putManifest(client, 'group/fallback', tag, empty, ociIndex)).status).toBe(201)
      expect(await status(`group/fallback/manifests/${tag}`)).toBe(200)
      expect((await client.request('DELETE', `/v2/group/fallback/manifests/${tag}`)).status).toBe(202)
      await client.request('DELETE', `/v2/group/fallback/manifests/${sha256(empty)}`)
    }
  })

  test('there are no extensions, and the list of them says so', async () => {
    const { client } = registry.at
    const answer = await client.request('GET', '/v2/_oci/ext/discover')
    expect([answer.status, await answer.json()]).toEqual([200, { extensions: [] }])
    expect((await client.request('GET', '/v2/_unknown/ext')).status).toBe(404)
  })
})
