import { expect, test } from 'bun:test'
import { describeRegistry } from './describe-registry.ts'
import { imageOf, putManifest } from './operations.ts'
import { ociImage, sha256 } from './registry-client.ts'

/** Numbers that a page may be asked for, and what is answered: 200 with at most so many entries, or 400. */
const numbers: [n: string, most: number | undefined][] = [
  ['0', 0],
  ['1', 1],
  ['2147483648', 1000],
  ['4294967297', 1000],
  ['9223372036854775808', 1000],
  ['9'.repeat(3000), 1000],
  ['-1', undefined],
  ['-9223372036854775808', undefined],
  ['x', undefined],
  ['1e3', undefined],
  ['0x10', undefined],
  ['1.5', undefined],
  ['%2B1', undefined],
  ['%201', undefined],
  ['١', undefined],
]

describeRegistry('more than anyone needs', (registry, engine) => {
  // What is held per upload or referrer is the same on PostgreSQL, which takes longer to be told of each.
  const [openUploads, manyReferrers] = engine === 'sqlite' ? [10_000, 1_000] : [2_000, 300]

  test.each(numbers)('a page of n=%s is of a bounded size, or no page', async (n, most) => {
    const { client } = registry.at
    await client.pushImage('group/pages', 'v1')
    await client.pushImage('group/pages', 'v2')
    for (const [path, list] of [
      ['/v2/group/pages/tags/list', 'tags'],
      ['/v2/_catalog', 'repositories'],
    ] as const) {
      const startedMs = performance.now()
      const answer = await client.request('GET', `${path}?n=${n}`)
      expect(performance.now() - startedMs).toBeLessThan(2_000)
      expect([path, answer.status]).toEqual([path, most === undefined ? 400 : 200])
      const body = (await answer.json()) as Record<string, { code: string }[]>
      if (most === undefined) expect(body.errors?.[0]?.code).toBe('PAGINATION_NUMBER_INVALID')
      else expect(body[list]?.length).toBeLessThanOrEqual(most)
    }
  })

  test('referrers take no number of a client’s choosing', async () => {
    const { client } = registry.at
    const { digest } = await client.pushImage('group/pages', 'v1')
    for (const [n] of numbers) {
      const answer = await client.request('GET', `/v2/group/pages/referrers/${digest}?n=${n}`)
      expect([n, answer.status]).toEqual([n, 200])
    }
  })

  test(`${manyReferrers} referrers of one digest come in pages, each one once`, async () => {
    const { client } = registry.at
    const name = 'group/popular'
    const { digest, body } = await client.pushImage(name, 'v1')
    const subject = { mediaType: ociImage, digest, size: body.length }
    const referrers = Array.from({ length: manyReferrers }, (_, number) =>
      JSON.stringify({ ...JSON.parse(body), subject, annotations: { number: String(number) } }),
    )
    for (let from = 0; from < referrers.length; from += 20) {
      const answers = await Promise.all(
        referrers.slice(from, from + 20).map(each => putManifest(client, name, sha256(each), each)),
      )
      expect(answers.map(answer => answer.status)).toEqual(answers.map(() => 201))
    }
    const found: string[] = []
    let next: string | undefined = `/v2/${name}/referrers/${digest}`
    while (next) {
      const page: Response = await client.request('GET', next)
      const { manifests } = (await page.json()) as { manifests: { digest: string }[] }
      expect(manifests.length).toBeLessThanOrEqual(250)
      found.push(...manifests.map(each => each.digest))
      next = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1]
    }
    expect(found.toSorted()).toEqual(referrers.map(each => sha256(each)).toSorted())
  })

  test(`${openUploads} open uploads are held, and stand in nobody’s way`, async () => {
    const { client } = registry.at
    const before = process.memoryUsage().rss
    const locations: string[] = []
    for (let batch = 0; batch < openUploads / 100; batch++) {
      const started = await Promise.all(
        Array.from({ length: 100 }, () => client.request('POST', '/v2/group/uploads/blobs/uploads/')),
      )
      locations.push(...started.map(answer => answer.headers.get('location') ?? ''))
    }
    expect(new Set(locations).size).toBe(openUploads)
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024)
    const startedMs = performance.now()
    const image = await client.pushImage('group/beside', 'v1')
    expect((await client.request('GET', `/v2/group/beside/manifests/${image.digest}`)).status).toBe(200)
    for (const location of [locations.at(0), locations.at(openUploads / 2), locations.at(-1)]) {
      const digest = sha256('late')
      expect((await client.request('PUT', `${location}?digest=${digest}`, { body: 'late' })).status).toBe(201)
    }
    expect(performance.now() - startedMs).toBeLessThan(5_000)
    const { rows } = await registry.at.server.database
      .selectFrom('upload_sessions')
      .select(eb => eb.fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow()
    expect(Number(rows)).toBe(openUploads - 3)
  })

  test('a manifest of ten thousand layers is taken once, and read as it is', async () => {
    const { client } = registry.at
    const name = 'group/layers'
    for (const content of ['{}', 'layer']) await client.pushBlob(name, content)
    const image = JSON.parse(imageOf('layer')) as { layers: unknown[] }
    const body = JSON.stringify({ ...image, layers: Array.from({ length: 10_000 }, () => image.layers[0]) })
    expect((await putManifest(client, name, 'v1', body)).status).toBe(201)
    expect(await (await client.request('GET', `/v2/${name}/manifests/v1`)).text()).toBe(body)
  })
})
