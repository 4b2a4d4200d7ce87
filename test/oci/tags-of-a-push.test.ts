import { expect, test } from 'bun:test'
import { describeRegistry } from './describe-registry.ts'
import { digestOf, errorsOf, imageOf, indexOf, putManifest } from './manifests-of-tests.ts'

describeRegistry('a push by digest with ?tag=', registry => {
  const config = '{"of":"tags"}'
  const image = (text: string) => imageOf(config, [], { annotations: { text } })
  const prepare = (name: string) => registry.at.client.pushBlob(name, config)
  const tagsOf = async (name: string) =>
    ((await (await registry.at.client.request('GET', `/v2/${name}/tags/list`)).json()) as { tags?: string[] }).tags
  const digestAt = async (name: string, tag: string) =>
    (await registry.at.client.request('HEAD', `/v2/${name}/manifests/${tag}`)).headers.get('docker-content-digest')

  for (const algorithm of ['sha256', 'sha512'] as const) {
    test(`moves every tag to a ${algorithm} digest and names each in OCI-Tag`, async () => {
      const name = `group/many-${algorithm}`
      await prepare(name)
      await putManifest(registry.at.client, `${name}:t3`, image('before'))
      const body = image(algorithm)
      const digest = digestOf(algorithm, body)
      const tags = Array.from({ length: 12 }, (_, number) => `t${number}`)
      const query = [...tags, 't0'].map(tag => `tag=${tag}`).join('&')
      const response = await putManifest(registry.at.client, `${name}@${digest}?${query}&unknown=1`, body)
      expect([response.status, response.headers.get('oci-tag')]).toEqual([201, tags.join(', ')])
      expect(response.headers.get('docker-content-digest')).toBe(digest)
      expect(response.headers.get('location')).toBe(`/v2/${name}/manifests/${digest}`)
      expect(await tagsOf(name)).toEqual(tags.toSorted())
      for (const tag of tags) expect(await digestAt(name, tag)).toBe(digest)
    })
  }

  test('writes history, events and the number of tags as for one tag each', async () => {
    await prepare('group/recorded')
    const [first, second] = [image('first'), image('second')]
    await putManifest(registry.at.client, `group/recorded@${digestOf('sha256', first)}?tag=a&tag=b`, first)
    await putManifest(registry.at.client, `group/recorded@${digestOf('sha256', second)}?tag=c&tag=b`, second)
    const { database } = registry.at.server
    const { id } = await database
      .selectFrom('repositories')
      .select('id')
      .where('name', '=', 'recorded')
      .executeTakeFirstOrThrow()
    const hex = (bytes: Uint8Array | null) => bytes && `sha256:${bytes.subarray(1).toHex()}`
    const history = await database
      .selectFrom('tag_history')
      .selectAll()
      .where('repository_id', '=', id)
      .orderBy('id')
      .execute()
    expect(history.map(row => [row.tag, hex(row.digest_before), hex(row.digest_after)])).toEqual([
      ['a', null, digestOf('sha256', first)],
      ['b', null, digestOf('sha256', first)],
      ['c', null, digestOf('sha256', second)],
      ['b', digestOf('sha256', first), digestOf('sha256', second)],
    ])
    const events = await database
      .selectFrom('events')
      .select(['kind', 'detail'])
      .where('repository_id', '=', id)
      .where('kind', '=', 'tag.moved')
      .orderBy('id')
      .execute()
    expect(events.map(event => JSON.parse(event.detail).tag)).toEqual(['a', 'b', 'c', 'b'])
    const deltas = await database
      .selectFrom('total_deltas')
      .select('delta')
      .where('owner', '=', `repository:${id}`)
      .where('metric', '=', 'tags')
      .orderBy('id')
      .execute()
    expect(deltas.map(row => row.delta)).toEqual([2, 1])
  })

  test('moves none when one of them is no tag', async () => {
    await prepare('group/strict')
    const body = image('strict')
    for (const bad of ['tag=fine&tag=-not', 'tag=fine&tag=', `tag=${'x'.repeat(129)}`, 'tag=a/b', 'tag=a+b']) {
      const response = await putManifest(
        registry.at.client,
        `group/strict@${digestOf('sha256', body)}?tag=good&${bad}`,
        body,
      )
      expect([bad, response.status, await errorsOf(response)]).toEqual([bad, 400, [['TAG_INVALID', undefined]]])
    }
    expect(await tagsOf('group/strict')).toEqual([])
    expect((await registry.at.client.request('GET', '/v2/group/strict/manifests/good')).status).toBe(404)
  })

  test('takes a hundred of the longest, and answers 414 to more', async () => {
    await prepare('group/limit')
    const body = image('limit')
    const tags = Array.from({ length: 101 }, (_, number) => `${number}`.padStart(128, 'x'))
    const put = (some: readonly string[]) =>
      putManifest(
        registry.at.client,
        `group/limit@${digestOf('sha256', body)}?${some.map(tag => `tag=${tag}`).join('&')}`,
        body,
      )
    const refused = await put(tags.map(tag => tag.slice(100)))
    expect([refused.status, await refused.text()]).toEqual([414, expect.stringContaining('at most 100 tags')])
    expect(await tagsOf('group/limit')).toEqual([])
    expect((await put(tags.slice(0, 100))).status).toBe(201)
    expect(await tagsOf('group/limit')).toEqual(tags.slice(0, 100).toSorted())
  })

  test('is not what ?tag= beside a tag is: that is ignored', async () => {
    await prepare('group/ignored')
    const response = await putManifest(registry.at.client, 'group/ignored:real?tag=other&tag=-bad', image('ignored'))
    expect([response.status, response.headers.get('oci-tag')]).toEqual([201, null])
    expect(await tagsOf('group/ignored')).toEqual(['real'])
  })

  test('mixes digests of both algorithms in one index', async () => {
    await prepare('group/mixed')
    const child = image('child')
    const digest = digestOf('sha512', child)
    expect((await putManifest(registry.at.client, `group/mixed@${digest}`, child)).status).toBe(201)
    const index = indexOf([{ mediaType: JSON.parse(child).mediaType, digest, size: child.length }])
    expect((await putManifest(registry.at.client, 'group/mixed:latest', index)).status).toBe(201)
    expect(await (await registry.at.client.request('GET', `/v2/group/mixed/manifests/${digest}`)).text()).toBe(child)
  })

  test('many pushes at once of the same tags in any order leave all tags at one of them', async () => {
    await prepare('group/crowd')
    const tags = Array.from({ length: 20 }, (_, number) => `t${number}`)
    const bodies = Array.from({ length: 12 }, (_, number) => image(`crowd ${number}`))
    const answers = await Promise.all(
      bodies.map((body, number) => {
        const order = number % 2 === 0 ? tags : tags.toReversed()
        const query = order.map(tag => `tag=${tag}`).join('&')
        return putManifest(registry.at.client, `group/crowd@${digestOf('sha256', body)}?${query}`, body)
      }),
    )
    expect(answers.map(answer => answer.status)).toEqual(answers.map(() => 201))
    const digests = new Set(await Promise.all(tags.map(tag => digestAt('group/crowd', tag))))
    expect(digests.size).toBe(1)
  })
})
