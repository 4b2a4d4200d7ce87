import { beforeAll, expect, test } from 'bun:test'
import { accessoryListView, referenceListView } from '../../src/protocol/manage/accessories.ts'
import { mediaTypes } from '../../src/protocol/oci/media-types.ts'
import { describeRegistry } from '../oci/describe-registry.ts'
import { descriptorOf, digestOf, imageOf, indexOf, putManifest } from '../oci/manifests-of-tests.ts'
import { manage } from './manage-client.ts'

const config = '{"of":"relations"}'
const layer = 'a signature'
const named = (text: string, more: object = {}) => imageOf(config, [layer], { annotations: { text }, ...more })
const image = named('image')
const digest = digestOf('sha256', image)
const tagOf = (ending: string, of = digest) => `${of.replace(':', '-')}.${ending}`
const ofImage = { subject: descriptorOf(image, mediaTypes.ociImage) }
const signature = named('signature by cosign')
const attestation = named('attestation by cosign')
const notation = named('signature by notation', { ...ofImage, artifactType: 'application/vnd.cncf.notary.signature' })
const sbom = named('sbom', { ...ofImage, artifactType: 'application/spdx+json' })

describeRegistry('what is attached to an image', registry => {
  const ask = (path: string) => manage(registry.at.server, `GET /group/repos/${path}`)
  const accessories = async (path: string) => {
    const answer = await ask(path)
    expect(answer.status).toBe(200)
    return accessoryListView.strict().parse(answer.body)
  }
  const references = async (path: string) => {
    const answer = await ask(path)
    expect(answer.status).toBe(200)
    return referenceListView.strict().parse(answer.body)
  }
  const push = async (reference: string, manifest: string) => {
    expect((await putManifest(registry.at.client, reference, manifest)).status).toBe(201)
  }

  beforeAll(async () => {
    for (const blob of [config, layer]) await registry.at.client.pushBlob('group/a/b', blob)
    for (const tag of ['v1', 'latest']) await push(`group/a/b:${tag}`, image)
    await push('group/a/b:plain', named('plain'))
    await push(`group/a/b:${tagOf('sig')}`, signature)
    await push(`group/a/b:${tagOf('att')}`, attestation)
    await push(`group/a/b@${digestOf('sha256', notation)}`, notation)
    await push('group/a/b:the-sbom', sbom)
  })

  test('is listed by cosign’s tags and by what refers to it', async () => {
    const { total, accessories: found } = await accessories('a$b/v1/accessories')
    const { body: repository } = await ask('a$b')
    expect(total).toBe(4)
    const common = {
      ...{ id: expect.any(Number), domain_id: repository.domain_id, namespace_name: 'group', repo_name: 'a/b' },
      ...{ target_digest: digest, size: config.length + layer.length },
      ...{ created_at: expect.stringMatching(/Z$/), updated_at: expect.stringMatching(/Z$/) },
    }
    const byDigest = [
      { ...common, sig_tag: '', sig_digest: digestOf('sha256', notation), type: 'signature.notation' },
      { ...common, sig_tag: 'the-sbom', sig_digest: digestOf('sha256', sbom), type: 'application/spdx+json' },
    ].toSorted((a, b) => (a.sig_digest < b.sig_digest ? -1 : 1))
    expect(found).toEqual([
      { ...common, sig_tag: tagOf('att'), sig_digest: digestOf('sha256', attestation), type: 'attestation.cosign' },
      { ...common, sig_tag: tagOf('sig'), sig_digest: digestOf('sha256', signature), type: 'signature.cosign' },
      ...byDigest,
    ])
    // The same for every tag of the image, with the same ids.
    expect((await accessories('a$b/latest/accessories')).accessories).toEqual(found)
    expect(new Set(found.map(each => each.id)).size).toBe(4)
  })

  test('comes a page at a time', async () => {
    const { accessories: all } = await accessories('a$b/v1/accessories')
    for (const limit of [1, 2, 3]) {
      const seen = []
      for (let offset = 0; offset <= 4; offset += limit) {
        const page = await accessories(`a$b/v1/accessories?limit=${limit}&offset=${offset}`)
        expect([page.total, page.accessories.length]).toEqual([4, Math.min(limit, 4 - offset)])
        seen.push(...page.accessories)
      }
      expect(seen).toEqual(all)
    }
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'offset=-1']) {
      const refused = await ask(`a$b/v1/accessories?${query}`)
      expect([query, refused.status, refused.code]).toEqual([query, 400, '4000056'])
    }
  })

  test('keeps its ids while it stays, also where a tag of cosign gets one more signature', async () => {
    await registry.at.client.pushBlob('group/ids', config)
    await registry.at.client.pushBlob('group/ids', layer)
    await push('group/ids:v1', image)
    await push(`group/ids:${tagOf('sig')}`, signature)
    await push(`group/ids@${digestOf('sha256', notation)}`, notation)
    const before = (await accessories('ids/v1/accessories')).accessories.map(each => each.id)
    await push(`group/ids:${tagOf('sig')}`, named('two signatures'))
    await push(`group/ids:${tagOf('att')}`, attestation)
    const after = await accessories('ids/v1/accessories')
    expect(after.accessories.filter(each => before.includes(each.id)).map(each => each.id)).toEqual(before)
    expect(after.total).toBe(3)
  })

  test('is counted once where it is attached both ways', async () => {
    await registry.at.client.pushBlob('group/both', config)
    await registry.at.client.pushBlob('group/both', layer)
    await push('group/both:v1', image)
    await push(`group/both:${tagOf('sig')}`, notation)
    expect(await accessories('both/v1/accessories')).toMatchObject({
      total: 1,
      accessories: [{ type: 'signature.cosign' }],
    })
  })

  test('to an index is attached to the index, not to its children', async () => {
    await registry.at.client.pushBlob('group/index', config)
    await registry.at.client.pushBlob('group/index', layer)
    await push('group/index:child', image)
    const index = indexOf([image])
    await push('group/index:multi', index)
    await push(`group/index:${tagOf('sig', digestOf('sha256', index))}`, signature)
    expect((await accessories('index/multi/accessories')).total).toBe(1)
    expect(await accessories('index/child/accessories')).toEqual({ total: 0, accessories: [] })
    expect((await ask('index/child/accessories')).text).toBe('{"total":0,"accessories":[]}')
  })

  test('tells the tags of its image, by cosign’s tag or by its subject', async () => {
    const both = { has_more: false, tags: ['latest', 'v1'] }
    expect(await references(`a$b/${tagOf('sig')}/references`)).toEqual(both)
    expect(await references('a$b/the-sbom/references')).toEqual(both)
  })

  test('of an image the other tags of the same manifest are told', async () => {
    expect(await references('a$b/v1/references')).toEqual({ has_more: false, tags: ['latest'] })
    expect(await references('a$b/plain/references')).toEqual({ has_more: false, tags: [] })
  })

  test('tells tags a page at a time, with a marker only where more follow', async () => {
    const sig = `a$b/${tagOf('sig')}/references`
    expect(await references(`${sig}?limit=1`)).toEqual({ has_more: true, next_marker: 'latest', tags: ['latest'] })
    expect(await references(`${sig}?limit=1&marker=latest`)).toEqual({ has_more: false, tags: ['v1'] })
    for (const query of ['limit=0', 'limit=11', 'marker=-']) {
      const refused = await ask(`${sig}?${query}`)
      expect([query, refused.status, refused.code]).toEqual([query, 400, '4000056'])
    }
  })

  test('of a tag or a repository that is not there is 404', async () => {
    for (const below of ['references', 'accessories']) {
      for (const [path, code] of [
        [`a$b/nothing/${below}`, '4040048'],
        [`nothing/v1/${below}`, '4040010'],
      ]) {
        const refused = await ask(path ?? '')
        expect([refused.status, refused.code]).toEqual([404, code ?? ''])
      }
    }
  })

  test('a tag that is called like a part of the API is never taken for that part', async () => {
    const words = ['tags', 'access', 'access-domains', 'retentions', 'triggers', 'sync_repo', 'sync_images', 'sync_job']
    for (const tag of [...words, 'references', 'accessories']) await push(`group/a/b:${tag}`, named('words'))
    // Below `tags` is what the word says: one tag.
    for (const tag of ['references', 'accessories']) {
      expect((await ask(`a$b/tags/${tag}`)).body).toMatchObject({ tag })
      expect((await ask(`a$b/${tag}/references`)).body.tags).toHaveLength(words.length + 1)
    }
    for (const word of words.filter(each => each !== 'tags')) {
      for (const [below, field] of [
        ['references', 'tags'],
        ['accessories', 'accessories'],
      ] as const) {
        const answer = await ask(`a$b/${word}/${below}`)
        expect([word, Object.keys(answer.body).includes(field)]).toEqual([word, false])
      }
    }
    for (const word of words) expect((await ask(`a$b/tags/${word}`)).body).toMatchObject({ tag: word })
  })
})
