import { beforeAll, expect, test } from 'bun:test'
import { tagListV3View } from '../../src/protocol/manage/tags.ts'
import { describeRegistry } from '../oci/describe-registry.ts'
import { imageOf, putManifest } from '../oci/manifests-of-tests.ts'
import { manage } from './manage-client.ts'

const config = '{}'
const image = imageOf(config, [])
const byTime = ['v3', 'v1', 'v5', 'v2', 'v4']

describeRegistry('the v3 list of tags', registry => {
  const ask = (query: string, path = '/group/repos/a$b/tags') =>
    manage(registry.at.server, `GET ${path}${query}`, undefined, { api: 'v3' })
  const list = async (query: string) => {
    const answer = await ask(query)
    expect(answer.status).toBe(200)
    const view = tagListV3View.strict().parse(answer.body)
    return { ...view, names: view.tags.map(item => item.tag) }
  }
  beforeAll(async () => {
    await registry.at.client.pushBlob('group/a/b', config)
    for (const tag of byTime) {
      expect((await putManifest(registry.at.client, `group/a/b:${tag}`, image)).status).toBe(201)
    }
  })

  test.each([
    ['', byTime.toSorted()],
    ['&order_column=tag&order_type=desc', byTime.toSorted().toReversed()],
    ['&order_column=updated_at', byTime],
    ['&order_column=updated_at&order_type=desc', byTime.toReversed()],
  ])('goes on by its marker in the order%s, and has none on the last page', async (order, expected) => {
    const seen: string[] = []
    for (let query = '?limit=2'; ; ) {
      const page = await list(`${query}${order}`)
      seen.push(...page.names)
      expect(page.next_marker).toBe(page.nextMarker as string)
      expect(page.has_more).toBe(page.nextMarker !== undefined)
      if (page.nextMarker === undefined) break
      query = `?limit=2&marker=${encodeURIComponent(page.nextMarker)}`
    }
    expect(seen).toEqual(expected)
    // A last page that is full has no marker, either.
    const full = await ask(`?limit=5${order}`)
    expect(Object.keys(full.body).toSorted()).toEqual(['has_more', 'tags'])
    expect(full.body.tags).toHaveLength(5)
  })

  test('has manifests where they are asked for, and the tag in lower case alone', async () => {
    const [plain] = (await list('?limit=1')).tags
    expect(plain && 'manifest' in plain).toBe(false)
    const [whole] = (await list('?limit=1&with_manifest=true')).tags
    expect(whole).toEqual({ ...plain, manifest: image } as typeof whole & object)
    const { body } = await manage(registry.at.server, 'GET /group/repos/a$b/tags/v1')
    expect(whole).toEqual(body)
  })

  test('finds one tag, and an empty page of a repository without any', async () => {
    expect(await list('?tag=v2')).toMatchObject({ names: ['v2'], has_more: false })
    expect((await list('?tag=v2&marker=v2')).names).toEqual([])
    expect((await list('?tag=v')).names).toEqual([])
    await manage(registry.at.server, 'POST /group/repos', { repository: 'new', is_public: false })
    expect((await ask('', '/group/repos/new/tags')).text).toBe('{"tags":[],"has_more":false}')
    expect((await ask('', '/group/repos/nothing/tags')).code).toBe('4040010')
  })

  test.each([
    ['?limit=0', '4000056'],
    ['?limit=1001', '4000056'],
    ['?marker=-', '4000056'],
    ['?marker=v1&order_column=updated_at', '4000056'],
    ['?marker=1:v1', '4000056'],
    ['?order_column=size', '4001096'],
    ['?with_manifest=yes', '4000014'],
  ])('%s is 400 %s', async (query, code) => {
    const refused = await ask(query)
    expect([refused.status, refused.code]).toEqual([400, code])
  })
})
