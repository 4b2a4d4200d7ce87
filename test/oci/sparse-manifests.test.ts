import { describe, expect, test } from 'bun:test'
import { describeRegistry, type TestRegistry } from './describe-registry.ts'
import { descriptorOf, digestOf, errorsOf, imageOf, indexOf, putManifest } from './manifests-of-tests.ts'

const missing = (digest: string) => ['MANIFEST_BLOB_UNKNOWN', digest] as const

describeRegistry('manifests that name what is missing', registry => {
  test('are refused, with one error for each blob and child', async () => {
    const image = imageOf('{"not":"here"}', ['nor this', 'nor that', 'nor this'])
    const refused = await putManifest(registry.at.client, 'group/whole:v1', image)
    expect([refused.status, await errorsOf(refused)]).toEqual([
      404,
      ['{"not":"here"}', 'nor this', 'nor that'].map(text => missing(digestOf('sha256', text))),
    ])
    const index = indexOf([image, imageOf('{}', [])])
    const refusedIndex = await putManifest(registry.at.client, 'group/whole:v1', index)
    expect([refusedIndex.status, await errorsOf(refusedIndex)]).toEqual([
      404,
      [image, imageOf('{}', [])].map(text => missing(digestOf('sha256', text))),
    ])
    expect((await registry.at.client.request('GET', '/v2/group/whole/manifests/v1')).status).toBe(404)
  })

  test('are accepted in an organization that chose so, until it chooses otherwise, beside the server', async () => {
    const image = imageOf('{"sparse":1}', ['a layer that never came'])
    expect((await putManifest(registry.at.client, 'group/chosen:v1', image)).status).toBe(404)
    expect(await registry.stower('organization', 'show', 'group')).toContain('sparse manifests: default (off)')
    await registry.stower('organization', 'set', 'group', '--sparse-manifests', 'on')
    expect(await registry.stower('organization', 'list')).toMatch(/group +OTC000 +\d+ +on/)
    expect((await putManifest(registry.at.client, 'group/chosen:v1', image)).status).toBe(201)
    const got = await registry.at.client.request('GET', '/v2/group/chosen/manifests/v1')
    expect([got.status, await got.text()]).toEqual([200, image])
    await registry.stower('organization', 'set', 'group', '--sparse-manifests', 'default')
    expect((await putManifest(registry.at.client, 'group/chosen:v1', image)).status).toBe(404)
    await expect(registry.stower('organization', 'set', 'nobodys', '--sparse-manifests', 'on')).rejects.toThrow(
      'there is no organization nobodys',
    )
    await expect(registry.stower('organization', 'set', 'group')).rejects.toThrow('--sparse-manifests is needed')
  })
})

describeRegistry(
  'sparse manifests by setting',
  registry => {
    const rowsOf = async (repository: string) =>
      registry.at.server.database
        .selectFrom('manifest_blobs as b')
        .innerJoin('repositories as r', 'r.id', 'b.repository_id')
        .select(['b.target_digest', 'b.held_digest'])
        .where('r.name', '=', repository)
        .execute()
    const deleteBlob = (name: string, content: string) =>
      registry.at.client.request('DELETE', `/v2/${name}/blobs/${digestOf('sha256', content)}`)

    test('accept missing blobs and children, and refuse what an organization chose to have whole', async () => {
      const image = imageOf('{"config":"missing"}', ['missing layer'])
      expect((await putManifest(registry.at.client, 'group/any:image', image)).status).toBe(201)
      const index = indexOf([imageOf('{"child":"missing"}', []), image])
      expect((await putManifest(registry.at.client, 'group/any:index', index)).status).toBe(201)
      await registry.stower('organization', 'set', 'group', '--sparse-manifests', 'off')
      expect((await putManifest(registry.at.client, 'group/any:image', image)).status).toBe(404)
      await registry.stower('organization', 'set', 'group', '--sparse-manifests', 'default')
    })

    test('a blob that comes after its manifest is held by it, pushed or mounted', async () => {
      const { client } = registry.at
      const image = imageOf('{"late":1}', ['late layer', 'mounted layer'])
      const pushed = await putManifest(client, 'group/late:v1', image)
      const digest = pushed.headers.get('docker-content-digest')
      expect((await rowsOf('late')).filter(row => row.held_digest)).toHaveLength(0)
      expect((await deleteBlob('group/late', 'late layer')).status).toBe(404)
      await client.pushBlob('group/late', 'late layer')
      const source = await client.pushBlob('group/source', 'mounted layer')
      const mounted = await client.request('POST', `/v2/group/late/blobs/uploads/?mount=${source}&from=group/source`)
      expect(mounted.status).toBe(201)
      for (const content of ['late layer', 'mounted layer']) {
        expect((await deleteBlob('group/late', content)).status).toBe(405)
      }
      expect((await rowsOf('late')).filter(row => row.held_digest)).toHaveLength(2)
      // Nothing of it reaches another repository, and with the manifest gone the blob may go.
      await putManifest(client, 'group/other:v1', image)
      expect((await rowsOf('other')).filter(row => row.held_digest)).toHaveLength(0)
      expect((await client.request('DELETE', `/v2/group/late/manifests/${digest}`)).status).toBe(202)
      expect((await deleteBlob('group/late', 'late layer')).status).toBe(202)
    })

    test('a child that comes after its index is a child of it, and no blob is waited for', async () => {
      const { client } = registry.at
      const child = imageOf('{"child":"later"}', [])
      await putManifest(client, 'group/children:index', indexOf([child]))
      expect(await rowsOf('children')).toHaveLength(1)
      await client.pushBlob('group/children', '{"child":"later"}')
      await putManifest(client, `group/children@${digestOf('sha256', child)}`, child)
      const rows = await rowsOf('children')
      expect(rows.map(row => row.target_digest.subarray(1).toHex())).toEqual([
        digestOf('sha256', '{"child":"later"}').slice('sha256:'.length),
      ])
      const children = await registry.at.server.database
        .selectFrom('manifest_children as c')
        .innerJoin('manifests as m', join =>
          join.onRef('m.repository_id', '=', 'c.repository_id').onRef('m.digest', '=', 'c.child_digest'),
        )
        .innerJoin('repositories as r', 'r.id', 'c.repository_id')
        .select('c.child_digest')
        .where('r.name', '=', 'children')
        .execute()
      expect(children).toHaveLength(1)
      expect((await deleteBlob('group/children', '{"child":"later"}')).status).toBe(405)
    })

    test('a layer that an index names as a child is held when it comes later', async () => {
      const { client } = registry.at
      await putManifest(client, 'group/cache:v1', indexOf([descriptorOf('cache layer')]))
      await client.pushBlob('group/cache', 'cache layer')
      expect((await deleteBlob('group/cache', 'cache layer')).status).toBe(405)
    })

    test('whatever order a manifest and its blobs arrive in at once, the blobs are held', async () => {
      const { client } = registry.at
      const rounds = Array.from({ length: 12 }, (_, round) => round)
      await Promise.all(
        rounds.map(async round => {
          const layers = Array.from({ length: 4 }, (_, number) => `raced ${round} ${number}`)
          await Promise.all([
            ...layers.slice(0, 2).map(layer => client.pushBlob('group/raced', layer)),
            putManifest(client, `group/raced:v${round}`, imageOf(`{"round":${round}}`, layers)),
            ...layers.slice(2).map(layer => client.pushBlob('group/raced', layer)),
            client.pushBlob('group/raced', `{"round":${round}}`),
          ])
        }),
      )
      const rows = await rowsOf('raced')
      expect(rows).toHaveLength(12 * 5)
      expect(rows.filter(row => row.held_digest === null)).toEqual([])
    })
  },
  { STOWER_SPARSE_MANIFESTS: 'true' },
)

describe('foreign layers', () => {
  describeRegistry('may be missing', (registry: TestRegistry) => {
    test('and are held once they come', async () => {
      const { client } = registry.at
      await client.pushBlob('group/foreign', '{"foreign":1}')
      const type = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'
      const layers = [{ ...descriptorOf('vendor layer', type), urls: ['https://vendor.example/layer'] }]
      const pushed = await putManifest(client, 'group/foreign:v1', imageOf('{"foreign":1}', [], { layers }))
      expect(pushed.status).toBe(201)
      const path = `/v2/group/foreign/blobs/${digestOf('sha256', 'vendor layer')}`
      expect((await client.request('GET', path)).status).toBe(404)
      await client.pushBlob('group/foreign', 'vendor layer')
      expect((await client.request('DELETE', path)).status).toBe(405)
    })
  })
})
