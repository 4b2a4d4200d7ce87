import { expect, test } from 'bun:test'
import { mediaTypes } from '../../src/protocol/oci/media-types.ts'
import { describeRegistry } from './describe-registry.ts'
import { descriptorOf, digestOf, imageOf, indexOf, mediaTypeOf, putManifest } from './manifests-of-tests.ts'

const { ociImage, ociConfig, dockerImage } = mediaTypes
const config = '{"of":"referrers"}'
const subject = imageOf(config, [])
const ofSubject = { subject: descriptorOf(subject, ociImage) }
const withConfig = (mediaType: string) => ({ config: descriptorOf(config, mediaType) })

describeRegistry('the referrers of a manifest', registry => {
  const prepare = async (name: string, manifests: readonly string[]) => {
    await registry.at.client.pushBlob(name, config)
    for (const body of manifests) {
      const pushed = await putManifest(registry.at.client, `${name}@${digestOf('sha256', body)}`, body)
      expect(pushed.status).toBe(201)
    }
  }
  const referrersOf = async (name: string, of = digestOf('sha256', subject), query = '') => {
    const answer = await registry.at.client.request('GET', `/v2/${name}/referrers/${of}${query}`)
    expect(answer.status).toBe(200)
    const { manifests } = (await answer.json()) as { manifests: Record<string, unknown>[] }
    return manifests
  }
  const digests = (manifests: readonly { digest?: unknown }[]) => manifests.map(each => each.digest).toSorted()

  test('have the artifactType of the manifest, else of its config; an index without one has none', async () => {
    const table: [body: string, artifactType: string | undefined][] = [
      [imageOf(config, [], { ...ofSubject, artifactType: 'application/vnd.a' }), 'application/vnd.a'],
      [imageOf(config, [], { ...ofSubject, artifactType: '' }), ociConfig],
      [imageOf(config, [], { ...ofSubject, ...withConfig('application/vnd.b') }), 'application/vnd.b'],
      [indexOf([], { ...ofSubject, artifactType: 'application/vnd.c' }), 'application/vnd.c'],
      [indexOf([], { ...ofSubject, annotations: { an: 'index' } }), undefined],
      // Docker's type knows no subject; who writes one means it.
      [imageOf(config, [], { ...ofSubject, mediaType: dockerImage, annotations: { of: 'docker' } }), ociConfig],
    ]
    await prepare('group/types', [subject, ...table.map(([body]) => body)])
    const found = await referrersOf('group/types')
    for (const [body, artifactType] of table) {
      const { annotations } = JSON.parse(body)
      expect(found.find(each => each.digest === digestOf('sha256', body))).toEqual({
        mediaType: mediaTypeOf(body),
        digest: digestOf('sha256', body),
        size: body.length,
        ...(artifactType !== undefined && { artifactType }),
        ...(annotations && { annotations }),
      })
    }
    expect(found).toHaveLength(table.length)
    const filtered = await referrersOf('group/types', undefined, '?artifactType=application/vnd.c')
    expect(filtered.map(each => each.artifactType)).toEqual(['application/vnd.c'])
  })

  test('are those with the subject, whether or not a fall-back tag lists them', async () => {
    const listed = imageOf(config, [], { ...ofSubject, artifactType: 'application/listed' })
    const unlisted = imageOf(config, [], { ...ofSubject, artifactType: 'application/unlisted' })
    const withoutSubject = imageOf(config, [], { artifactType: 'application/without-subject' })
    const ofOther = imageOf(config, [], { subject: descriptorOf('another', ociImage) })
    const tag = digestOf('sha256', subject).replace(':', '-')
    await prepare('group/fallback', [subject, listed, unlisted, withoutSubject, ofOther])
    const fallback = indexOf([listed, withoutSubject, ofOther])
    expect((await putManifest(registry.at.client, `group/fallback:${tag}`, fallback)).status).toBe(201)
    expect(digests(await referrersOf('group/fallback'))).toEqual(
      [listed, unlisted].map(body => digestOf('sha256', body)).toSorted(),
    )
    // The tag is the client's own: read, written anew and removed like any other.
    const got = await registry.at.client.request('GET', `/v2/group/fallback/manifests/${tag}`)
    expect([got.status, await got.text()]).toEqual([200, fallback])
    const emptied = await putManifest(registry.at.client, `group/fallback:${tag}`, indexOf([]), {
      'if-match': `"${digestOf('sha256', fallback)}"`,
    })
    expect(emptied.status).toBe(201)
    const path = `/v2/group/fallback/manifests/${tag}`
    expect((await registry.at.client.request('DELETE', path)).status).toBe(202)
    expect(await referrersOf('group/fallback')).toHaveLength(2)
  })

  test('of a sha512 subject have a fall-back tag that is cut, and are found by the whole digest', async () => {
    const digest = digestOf('sha512', subject)
    const referrer = imageOf(config, [], { subject: { ...descriptorOf(subject, ociImage), digest } })
    await prepare('group/long', [referrer])
    const tag = `sha512-${digest.slice('sha512:'.length).slice(0, 64)}`
    expect((await putManifest(registry.at.client, `group/long:${tag}`, indexOf([referrer]))).status).toBe(201)
    expect(digests(await referrersOf('group/long', digest))).toEqual([digestOf('sha256', referrer)])
    expect(await referrersOf('group/long')).toEqual([])
  })

  test('are off the list when they are deleted, and stay when the subject is', async () => {
    const [first, second] = ['application/first', 'application/second'].map(artifactType =>
      imageOf(config, [], { ...ofSubject, artifactType }),
    ) as [string, string]
    await prepare('group/deleted', [subject, first, second])
    const remove = (body: string) =>
      registry.at.client.request('DELETE', `/v2/group/deleted/manifests/${digestOf('sha256', body)}`)
    expect((await remove(first)).status).toBe(202)
    expect(digests(await referrersOf('group/deleted'))).toEqual([digestOf('sha256', second)])
    expect((await remove(subject)).status).toBe(202)
    expect(digests(await referrersOf('group/deleted'))).toEqual([digestOf('sha256', second)])
  })
})
