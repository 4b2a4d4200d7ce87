import { expect, test } from 'bun:test'
import { addPerson, grant, makePublic } from '../people.ts'
import { describeRegistry } from './describe-registry.ts'
import { dockerToken, ociImage, type RegistryClient, registryClient, sha256 } from './registry-client.ts'

describeRegistry('lists', (registry, engine) => {
  /** The pages from this one to the last, by their Links. */
  const walk = async (client: RegistryClient, path: string, onPage: (page: Response) => Promise<void>) => {
    let next: string | undefined = path
    while (next !== undefined) {
      const page: Response = await client.request('GET', next)
      expect([next, page.status]).toEqual([next, 200])
      next = /^<(\/[^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1]
      await onPage(page)
    }
  }
  const tagsOf = async (page: Response) => ((await page.json()) as { tags: string[] }).tags

  test('a page of tags has n of them, begins behind last, and tells of the next one only where there is one', async () => {
    const { client } = registry.at
    for (const tag of ['a', 'b', 'c', 'd']) await client.pushImage('group/pages', tag)
    const table = [
      ['', ['a', 'b', 'c', 'd'], null],
      ['?n=2', ['a', 'b'], '</v2/group/pages/tags/list?n=2&last=b>; rel="next"'],
      ['?n=2&last=b', ['c', 'd'], null],
      ['?n=3&last=b', ['c', 'd'], null],
      ['?last=bb', ['c', 'd'], null],
      ['?last=d', [], null],
      ['?n=0', [], null],
      ['?n=4', ['a', 'b', 'c', 'd'], null],
      ['?n=99999999999999999999', ['a', 'b', 'c', 'd'], null],
      ['?n=1&unknown=1&last=%21', ['a'], '</v2/group/pages/tags/list?n=1&last=a>; rel="next"'],
    ] as const
    for (const [query, tags, link] of table) {
      const answer = await client.request('GET', `/v2/group/pages/tags/list${query}`)
      expect([query, await answer.json()]).toEqual([query, { name: 'group/pages', tags }])
      expect([query, answer.headers.get('link')]).toEqual([query, link])
    }
    for (const query of ['?n=-1', '?n=x', '?n=1.5', '?last=%00']) {
      const answer = await client.request('GET', `/v2/group/pages/tags/list${query}`)
      expect([query, answer.status]).toEqual([query, 400])
      expect(await answer.text()).toContain('PAGINATION_NUMBER_INVALID')
    }
  })

  test('a repository without tags has an empty list, and one that is not there none', async () => {
    const { client } = registry.at
    await client.pushBlob('group/tagless', 'content')
    const tagless = await client.request('GET', '/v2/group/tagless/tags/list')
    expect([tagless.status, await tagless.text()]).toEqual([200, '{"name":"group/tagless","tags":[]}'])
    for (const name of ['group/not-there', 'nowhere/app']) {
      const absent = await client.request('GET', `/v2/${name}/tags/list`)
      expect(absent.status).toBe(404)
      expect(await absent.text()).toContain('NAME_UNKNOWN')
    }
  })

  // How pages are cut does not depend on the engine, and a thousand pushes take their time.
  if (engine === 'sqlite') {
    test('more than a thousand tags come in pages, whatever n says', async () => {
      const { client } = registry.at
      const { body } = await client.pushImage('group/many', 'tag-0')
      const put = (number: number) =>
        client.request('PUT', `/v2/group/many/manifests/tag-${number}`, { headers: { 'content-type': ociImage }, body })
      for (let from = 1; from <= 1000; from += 20) {
        await Promise.all(Array.from({ length: 20 }, (_, index) => put(from + index)))
      }
      const sizes: number[] = []
      await walk(client, '/v2/group/many/tags/list?n=5000', async page => {
        sizes.push((await tagsOf(page)).length)
      })
      expect(sizes).toEqual([1000, 1])
    })
  }

  test('who walks the pages while tags come and go sees each tag that stayed, once', async () => {
    const { client } = registry.at
    const stable = Array.from({ length: 6 }, (_, number) => `m${number}`)
    for (const tag of [...stable, 'm3-goes', 'm4-goes']) await client.pushImage('group/moving', tag)
    const seen: string[] = []
    await walk(client, '/v2/group/moving/tags/list?n=1', async page => {
      const tags = await tagsOf(page)
      seen.push(...tags)
      // The next page begins behind a tag that is gone by then, and others come before it.
      if (tags.includes('m3-goes')) {
        for (const tag of ['m3-goes', 'm4-goes']) await client.request('DELETE', `/v2/group/moving/manifests/${tag}`)
        for (const tag of ['a', 'm3-came', 'm9-came']) await client.pushImage('group/moving', tag)
      }
    })
    expect(seen).toEqual(['m0', 'm1', 'm2', 'm3', 'm3-goes', 'm4', 'm5', 'm9-came'])
  })

  test('the catalog holds what its reader may pull, in pages of n', async () => {
    const { server, client } = registry.at
    for (const name of ['group/seen/1', 'group/seen/2', 'group/seen/3', 'group/unseen']) {
      await client.pushBlob(name, 'content')
    }
    const user = await addPerson(server, 'catalog-reader')
    await grant(server, user, 'group/seen/1', 1)
    await grant(server, user, 'group/seen/2', 3)
    await makePublic(server, 'group/seen/3')
    const reader = registryClient(server, user.basic)
    const names: string[] = []
    await walk(reader, '/v2/_catalog?n=2', async page => {
      const { repositories } = (await page.json()) as { repositories: string[] }
      expect(repositories.length).toBeLessThanOrEqual(2)
      names.push(...repositories)
    })
    expect(names).toEqual(['group/seen/1', 'group/seen/2', 'group/seen/3'])
    const none = await reader.request('GET', '/v2/_catalog?n=0')
    expect([await none.text(), none.headers.get('link')]).toEqual(['{"repositories":[]}', null])
    for (const query of ['n=-1', 'n=all']) {
      expect((await reader.request('GET', `/v2/_catalog?${query}`)).status).toBe(400)
    }
    expect((await reader.request('GET', '/v2/_catalog?n=99999999999999999999')).status).toBe(200)
    const narrow = registryClient(server, await dockerToken(server, ['repository:group/seen/1:pull'], user.basic))
    const refused = await narrow.request('GET', '/v2/_catalog')
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toContain('scope="registry:catalog:*",error="insufficient_scope"')
  })

  const ociIndex = 'application/vnd.oci.image.index.v1+json'
  const refer = async (name: string, manifest: Record<string, unknown>) => {
    const body = JSON.stringify(manifest)
    const answer = await registry.at.client.request('PUT', `/v2/${name}/manifests/${sha256(body)}`, {
      headers: { 'content-type': String(manifest.mediaType) },
      body,
    })
    expect(answer.status).toBe(201)
    return { digest: sha256(body), size: body.length }
  }
  const referrersOf = async (client: RegistryClient, name: string, subject: string, query = '') => {
    const answer = await client.request('GET', `/v2/${name}/referrers/${subject}${query}`)
    return {
      status: answer.status,
      type: answer.headers.get('content-type'),
      filters: answer.headers.get('oci-filters-applied'),
      body: await answer.text(),
    }
  }

  test('referrers are described by type, size and annotations, and filtered by artifact type', async () => {
    const { client } = registry.at
    const name = 'group/referred-to'
    const { digest, body } = await client.pushImage(name, 'v1')
    const subject = { mediaType: ociImage, digest, size: body.length }
    const image = { ...JSON.parse(body), subject }
    const typed = await refer(name, {
      ...image,
      artifactType: 'application/vnd.test.sbom+json',
      annotations: { made: 'by hand' },
    })
    const untyped = await refer(name, { ...image, annotations: {} })
    const index = await refer(name, { schemaVersion: 2, mediaType: ociIndex, manifests: [], subject })
    const all = await referrersOf(client, name, digest)
    expect([all.status, all.type, all.filters]).toEqual([200, ociIndex, null])
    const parsed = JSON.parse(all.body) as { manifests: { digest: string }[] }
    expect(parsed).toMatchObject({ schemaVersion: 2, mediaType: ociIndex })
    const described = Object.fromEntries(parsed.manifests.map(each => [each.digest, each]))
    expect(described[typed.digest]).toEqual({
      mediaType: ociImage,
      ...typed,
      artifactType: 'application/vnd.test.sbom+json',
      annotations: { made: 'by hand' },
    } as never)
    expect(described[untyped.digest]).toMatchObject({ artifactType: 'application/vnd.oci.image.config.v1+json' })
    expect(described[index.digest]).toEqual({ mediaType: ociIndex, ...index } as never)

    // The plus of a type, encoded and as it is.
    for (const type of ['application%2Fvnd.test.sbom%2Bjson', 'application/vnd.test.sbom+json']) {
      const filtered = await referrersOf(client, name, digest, `?artifactType=${type}`)
      expect(filtered.filters).toBe('artifactType')
      expect(JSON.parse(filtered.body).manifests.map((each: { digest: string }) => each.digest)).toEqual([typed.digest])
    }
    const none = await referrersOf(client, name, digest, '?artifactType=application/vnd.none')
    expect([none.filters, JSON.parse(none.body).manifests]).toEqual(['artifactType', []])

    // A referrer that is deleted is listed no more; those of a deleted subject still are.
    expect((await client.request('DELETE', `/v2/${name}/manifests/${typed.digest}`)).status).toBe(202)
    expect((await client.request('DELETE', `/v2/${name}/manifests/${digest}`)).status).toBe(202)
    const left = JSON.parse((await referrersOf(client, name, digest)).body).manifests
    expect(left.map((each: { digest: string }) => each.digest).sort()).toEqual([untyped.digest, index.digest].sort())
  })

  test('nothing refers to what is not there, and what is not seen is not there', async () => {
    const { server, client } = registry.at
    const { digest, body } = await client.pushImage('group/unseen', 'v1')
    const subject = { mediaType: ociImage, digest, size: body.length }
    await refer('group/unseen', { ...JSON.parse(body), subject })
    const user = await addPerson(server, 'referrers-reader')
    await grant(server, user, 'group/unseen', 1)
    expect((await referrersOf(registryClient(server, user.basic), 'group/unseen', digest)).body).toContain(ociImage)

    const stranger = registryClient(server, (await addPerson(server, 'stranger')).basic)
    const empty = `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":[]}`
    for (const name of ['group/unseen', 'group/not-there', 'nowhere/app', 'single']) {
      expect(await referrersOf(stranger, name, digest)).toEqual({
        status: 200,
        type: ociIndex,
        filters: null,
        body: empty,
      })
      const filtered = await referrersOf(stranger, name, digest, '?artifactType=a/b')
      expect(filtered).toEqual({ status: 200, type: ociIndex, filters: 'artifactType', body: empty })
      expect((await referrersOf(registryClient(server, ''), name, digest)).status).toBe(401)
      expect((await referrersOf(stranger, name, 'sha256:123')).status).toBe(400)
    }
    expect((await referrersOf(client, 'group/unseen', sha256('unknown'))).body).toBe(empty)
  })
})
