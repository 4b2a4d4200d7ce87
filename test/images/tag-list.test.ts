import { beforeAll, expect, test } from 'bun:test'
import { z } from 'zod'
import { tagListItem, tagView } from '../../src/protocol/manage/tags.ts'
import { mediaTypes } from '../../src/protocol/oci/media-types.ts'
import { describeRegistry } from '../oci/describe-registry.ts'
import { descriptorOf, digestOf, imageOf, indexOf, putManifest } from '../oci/manifests-of-tests.ts'
import { manage } from './manage-client.ts'

const listBody = z.array(tagListItem.strict())
const config = '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
const otherConfig = config.replace('amd64', 'arm64')
const shared = 'a layer that both have'
const own = 'a layer of one'
const image = imageOf(config, [shared, own])
const otherImage = imageOf(otherConfig, [shared])
const hexOf = (content: string) => digestOf('sha256', content).slice('sha256:'.length)

describeRegistry('the tags of an image repository', registry => {
  const ask = (call: string, body?: unknown) => manage(registry.at.server, call, body)
  const list = async (query = '', repository = 'a$b') => {
    const answer = await ask(`GET /group/repos/${repository}/tags${query}`)
    expect(answer.status).toBe(200)
    const items = listBody.parse(answer.body)
    return { ...answer, items, names: items.map(item => item.tag), range: answer.headers.get('content-range') }
  }
  const push = async (reference: string, manifest: string) => {
    expect((await putManifest(registry.at.client, reference, manifest)).status).toBe(201)
  }
  const names = ['V1', 'latest', 'v1', 'v10', 'v2']

  beforeAll(async () => {
    const { client } = registry.at
    for (const blob of [config, otherConfig, shared, own]) await client.pushBlob('group/a/b', blob)
    // Not in the order of names.
    for (const tag of ['v2', 'v10', 'latest', 'V1', 'v1']) await push(`group/a/b:${tag}`, image)
  })

  test('have every field of the contract', async () => {
    const { items, headers, range } = await list('?tag=v1')
    const [item] = items
    const path = `${registry.at.server.host}/group/a/b:v1`
    const { body: repository } = await ask('GET /group/repos/a$b')
    expect(items).toEqual([
      {
        ...{
          id: item?.id ?? 0,
          repo_id: repository.id,
          Tag: 'v1',
          tag: 'v1',
          image_id: hexOf(config),
          manifest: image,
        },
        ...{ digest: digestOf('sha256', image), schema: 2, path, internal_path: path, is_trusted: false, tag_type: 0 },
        ...{ size: config.length + shared.length + own.length, created: item?.created ?? '' },
        ...{ updated: item?.created ?? '', deleted: null, domain_id: repository.domain_id, scanned: false },
      },
    ])
    expect([range, headers.get('content-type')]).toEqual(['0-1/1', 'application/json'])
    expect(item?.id).toBeGreaterThan(0)
    expect(Math.abs(Date.parse(item?.created ?? '') - Date.now())).toBeLessThan(60_000)
  })

  test('come in byte order, or by the time they were pushed, in both directions', async () => {
    const byTime = ['v2', 'v10', 'latest', 'V1', 'v1']
    for (const [query, expected] of [
      ['', names],
      ['?order_column=tag&order_type=desc', names.toReversed()],
      ['?order_type=desc', names.toReversed()],
      ['?order_column=updated_at&order_type=asc', byTime],
      ['?order_column=updated_at', byTime],
      ['?order_column=updated_at&order_type=desc', byTime.toReversed()],
      ['?filter=order_column::updated_at|order_type::desc|limit::2', byTime.toReversed().slice(0, 2)],
    ] as const) {
      expect([query, (await list(query)).names]).toEqual([query, [...expected]])
    }
  })

  test('come a page at a time, until it is empty', async () => {
    const seen: string[] = []
    for (let offset = 0; ; offset += 2) {
      const { names: page, range } = await list(`?limit=2&offset=${offset}`)
      expect(range).toBe(`${offset}-${page.length}/5`)
      if (page.length === 0) break
      seen.push(...page)
    }
    expect(seen).toEqual(names)
    expect((await list('?offset=999999999999999')).range).toBe('999999999999999-0/5')
  })

  test.each([
    ['?tag=v1', ['v1'], '0-1/1'],
    ['?tag=v', [], '0-0/0'],
    ['?tag=v1&offset=1', [], '1-0/1'],
    ['?tag=no%20tag', [], '0-0/0'],
    ['?filter=tag::v10', ['v10'], '0-1/1'],
    ['?tag=v1&filter=tag%3A%3Av10%7Climit%3A%3A10', ['v10'], '0-1/1'],
    ['?filter=limit::1|offset::1', ['latest'], '1-1/5'],
    ['?whatever=1&limit=1', ['V1'], '0-1/5'],
  ])('%s finds %j', async (query, expected, range) => {
    const found = await list(query)
    expect([found.names, found.range]).toEqual([expected, range])
  })

  test.each([
    ['limit=0', '4000056'],
    ['limit=1001', '4000056'],
    ['offset=-1', '4000056'],
    ['limit=x', '4000056'],
    ['filter=name::x', '4001035'],
    ['filter=tag', '4001035'],
    ['tag=%00', '4001035'],
    ['order_column=size', '4001096'],
    ['order_type=up', '4001096'],
  ])('%s is 400 %s', async (query, code) => {
    const refused = await ask(`GET /group/repos/a$b/tags?${query}`)
    expect([refused.status, refused.code]).toEqual([400, code])
  })

  test('of a repository without any are [], and of one that is not there 404', async () => {
    await ask('POST /group/repos', { repository: 'new', is_public: false })
    const query = '?limit=500&offset=0&order_column=updated_at&order_type=asc'
    const { text, range } = await list(query, 'new')
    expect([text, range]).toEqual(['[]', '0-0/0'])
    for (const [path, code] of [
      ['/group/repos/nothing/tags', '4040010'],
      ['/nothing/repos/a/tags', '4040058'],
    ]) {
      const refused = await ask(`GET ${path}`)
      expect([refused.status, refused.code]).toEqual([404, code ?? ''])
    }
  })

  test('one alone has the same but its capital letter', async () => {
    const shown = await ask('GET /group/repos/a%24b/tags/v10')
    expect(shown.status).toBe(200)
    const view = tagView.strict().parse(shown.body)
    const [item] = (await list('?tag=v10')).items
    expect({ ...view, Tag: 'v10' }).toEqual(item as typeof view & { Tag: string })
    for (const [tag, status, code] of [
      ['v3', 404, '4040048'],
      ['-v', 400, '4009021'],
      ['a:b', 400, '4009021'],
    ] as const) {
      const refused = await ask(`GET /group/repos/a$b/tags/${tag}`)
      expect([tag, refused.status, refused.code]).toEqual([tag, status, code])
    }
  })

  test('of an index weigh the distinct blobs of what it names and is here, at any depth', async () => {
    const { client } = registry.at
    for (const blob of [config, otherConfig, shared, own]) await client.pushBlob('group/index', blob)
    for (const manifest of [image, otherImage]) {
      await push(`group/index@${digestOf('sha256', manifest)}`, manifest)
    }
    const inner = indexOf([image])
    await push(`group/index@${digestOf('sha256', inner)}`, inner)
    const outer = indexOf([inner, otherImage])
    const both = config.length + otherConfig.length + shared.length + own.length
    await push('group/index:outer', outer)
    await push('group/index:inner', inner)
    await push('group/index:empty', indexOf([]))
    // Blobs as children, as buildkit writes its caches.
    await push('group/index:cache', indexOf([descriptorOf(own), descriptorOf(shared)]))
    const { items } = await list('', 'index')
    expect(items.map(item => [item.tag, item.tag_type, item.size, item.image_id])).toEqual([
      ['cache', 1, own.length + shared.length, ''],
      ['empty', 1, 0, ''],
      ['inner', 1, config.length + shared.length + own.length, ''],
      ['outer', 1, both, ''],
    ])
    expect(items[3]?.manifest).toBe(outer)
    expect((await ask('GET /group/repos/index/tags/outer')).body.size).toBe(both)
    // One of the children goes: it is no longer here.
    const path = `/v2/group/index/manifests/${digestOf('sha256', otherImage)}`
    expect((await client.request('DELETE', path)).status).toBe(202)
    expect((await ask('GET /group/repos/index/tags/outer')).body.size).toBe(config.length + shared.length + own.length)
  })

  test('of an artifact without a config have no image_id', async () => {
    await registry.at.client.pushBlob('group/artifact', own)
    const artifact = JSON.stringify({
      mediaType: mediaTypes.ociArtifact,
      artifactType: 'application/x',
      blobs: [descriptorOf(own)],
    })
    await push('group/artifact:v1', artifact)
    const [item] = (await list('', 'artifact')).items
    expect([item?.image_id, item?.tag_type, item?.size]).toEqual(['', 0, own.length])
  })

  test('that are many come in one answer, whole and in order', async () => {
    await registry.at.client.pushBlob('group/many', config)
    const manifests = Array.from({ length: 250 }, (_, at) =>
      imageOf(config, [], { annotations: { text: '"ü\n'.repeat(2_000), at: String(at) } }),
    )
    const tagOf = (at: number) => `t${String(at).padStart(3, '0')}`
    for (const [at, manifest] of manifests.entries()) await push(`group/many:${tagOf(at)}`, manifest)
    const { items, range } = await list('?limit=1000', 'many')
    expect(range).toBe('0-250/250')
    expect(items.map(item => item.tag)).toEqual(manifests.map((_, at) => tagOf(at)))
    expect(items.every((item, at) => item.manifest === manifests[at])).toBe(true)
    const head = await fetch(`${registry.at.server.url}/v2/group/many/tags/list`, { method: 'HEAD' })
    expect(head.status).toBe(401)
  })
})
