import { afterEach, beforeEach, expect, test } from 'bun:test'
import { goOnRemoving, removalKind } from '../../src/core/manifests/removal/removal-job.ts'
import { accessoryTagsOf, referrersTagOf } from '../../src/protocol/oci/accessory-tags.ts'
import type { Digest } from '../../src/protocol/oci/digest.ts'
import { digestFromBytes, digestToBytes } from '../../src/protocol/oci/digest.ts'
import { type CoreRegistry, indexOf, manifestOf, openCoreRegistry } from '../core-registry.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'

describeEngines('the removal of an image', (_engine, open) => {
  let opened: TestDatabase
  let registry: CoreRegistry
  let layer: Digest
  beforeEach(async () => {
    opened = await open()
    registry = await openCoreRegistry(opened.db)
    layer = await registry.push('app', 'layer')
  })
  afterEach(async () => {
    await registry[Symbol.asyncDispose]()
    await opened.dispose()
  })

  /** Another image with each name. */
  const image = (name: string, more: object = {}) =>
    JSON.stringify({ ...JSON.parse(manifestOf([layer], name)), ...more })
  const push = (text: string, tag?: string) => registry.pushDocument('app', tag, text)
  const referrer = (subject: Digest, name = 'referrer') =>
    image(name, { subject: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: subject, size: 1 } })
  const remove = (tag: string) => registry.removeImage('app', tag)
  const signatureTag = (digest: Digest, at = 0) => String(accessoryTagsOf(digest)[at]?.tag)

  const tags = async () => {
    const rows = await opened.db.read.selectFrom('tags').select('name').orderBy('name').execute()
    return rows.map(row => row.name)
  }
  const manifests = async () => {
    const rows = await opened.db.read.selectFrom('manifests').select('digest').execute()
    return rows.map(row => digestFromBytes(row.digest)).toSorted()
  }
  const stay = (...digests: Digest[]) => digests.toSorted()
  const totalOfTags = async () => {
    const rows = await opened.db.read
      .selectFrom('total_deltas')
      .select('delta')
      .where('metric', '=', 'tags')
      .where('owner', 'like', 'repository:%')
      .execute()
    return rows.reduce((sum, row) => sum + row.delta, 0)
  }
  const jobs = () => opened.db.read.selectFrom('jobs').selectAll().where('kind', '=', removalKind).execute()

  test('takes the manifest with its last tag, and only the tag before', async () => {
    const digest = await push(image('one'), 'v1')
    await push(image('one'), 'v2')
    await remove('v1')
    expect([await tags(), await manifests()]).toEqual([['v2'], [digest]])
    await remove('v2')
    expect([await tags(), await manifests(), await totalOfTags()]).toEqual([[], [], 0])
    expect(await jobs()).toEqual([])
  })

  test('of a tag that is not there is tag_unknown, and changes nothing', async () => {
    const digest = await push(image('one'), 'v1')
    await expect(remove('v2')).rejects.toMatchObject({ code: 'tag_unknown' })
    await expect(registry.removeImage('nothing', 'v1')).rejects.toMatchObject({ code: 'repository_unknown' })
    expect([await tags(), await manifests()]).toEqual([['v1'], [digest]])
  })

  test('is told in the history of tags and in events, whatever goes with it', async () => {
    const digest = await push(image('one'), 'v1')
    const signature = await push(image('signature'), signatureTag(digest))
    await remove('v1')
    const history = await opened.db.read
      .selectFrom('tag_history')
      .select(['tag', 'digest_before', 'actor_name'])
      .where('digest_after', 'is', null)
      .orderBy('id')
      .execute()
    expect(history).toEqual([
      { tag: 'v1', digest_before: digestToBytes(digest), actor_name: 'admin' },
      { tag: signatureTag(digest), digest_before: digestToBytes(signature), actor_name: 'admin' },
    ])
    const events = await opened.db.read
      .selectFrom('events')
      .select(['kind', 'digest_before', 'detail'])
      .where('kind', 'in', ['tag.deleted', 'manifest.deleted'])
      .orderBy('id')
      .execute()
    const repository = 'group/app'
    expect(events.map(event => ({ ...event, detail: JSON.parse(event.detail) }))).toEqual([
      { kind: 'tag.deleted', digest_before: digestToBytes(digest), detail: { repository, tag: 'v1' } },
      { kind: 'manifest.deleted', digest_before: digestToBytes(digest), detail: { repository } },
      {
        kind: 'tag.deleted',
        digest_before: digestToBytes(signature),
        detail: { repository, tag: signatureTag(digest) },
      },
      { kind: 'manifest.deleted', digest_before: digestToBytes(signature), detail: { repository } },
    ])
  })

  test('leaves a manifest that an index names until the last of its indexes goes', async () => {
    const child = await push(image('child'), 'child')
    const index = await push(indexOf([child]), 'v1')
    await remove('child')
    expect([await tags(), await manifests()]).toEqual([['v1'], stay(child, index)])
    await remove('v1')
    expect(await manifests()).toEqual([])
  })

  test('takes the children of an index but those that a tag or another index names', async () => {
    const tagged = await push(image('tagged'), 'tagged')
    const shared = await push(image('shared'))
    const alone = await push(image('alone'))
    const inner = await push(indexOf([alone]))
    const other = await push(indexOf([shared]), 'other')
    await push(indexOf([tagged, shared, inner]), 'v1')
    await remove('v1')
    expect([await tags(), await manifests()]).toEqual([['other', 'tagged'], stay(tagged, shared, other)])
  })

  test('takes referrers, theirs, and signatures by their tags with it, and leaves those of other images', async () => {
    const digest = await push(image('one'), 'v1')
    const other = await push(image('other'), 'v2')
    const sbom = await push(referrer(digest, 'sbom'))
    await push(referrer(sbom, 'signature of the sbom'))
    const ofOther = await push(referrer(other, 'sbom of another'))
    for (const at of [0, 1, 2]) await push(image(`accessory ${at}`), signatureTag(digest, at))
    await push(referrer(sbom, 'signed by tag'), signatureTag(sbom))
    const signatureOfOther = await push(image('signature'), signatureTag(other))
    await remove('v1')
    expect(await tags()).toEqual([signatureTag(other), 'v2'].toSorted())
    expect(await manifests()).toEqual(stay(other, ofOther, signatureOfOther))
    expect(await totalOfTags()).toBe(2)
  })

  test('takes the list of referrers that a client tagged, with what it lists', async () => {
    const digest = await push(image('one'), 'v1')
    const listed = await push(referrer(digest))
    await push(indexOf([listed]), referrersTagOf(digest))
    await remove('v1')
    expect([await tags(), await manifests()]).toEqual([[], []])
  })

  test('of a list of referrers leaves what refers to an image that stays', async () => {
    const digest = await push(image('one'), 'v1')
    const listed = await push(referrer(digest))
    await push(indexOf([listed]), referrersTagOf(digest))
    await remove(referrersTagOf(digest))
    expect([await tags(), await manifests()]).toEqual([['v1'], stay(digest, listed)])
  })

  test('leaves a referrer that is tagged, and takes one by its own tag', async () => {
    const digest = await push(image('one'), 'v1')
    const kept = await push(referrer(digest, 'kept'), 'kept')
    await push(referrer(digest, 'taken'), 'taken')
    await remove('taken')
    expect(await manifests()).toEqual(stay(digest, kept))
    await remove('v1')
    expect([await tags(), await manifests()]).toEqual([['kept'], [kept]])
  })

  test('frees the layers for the sweep', async () => {
    await push(image('one'), 'v1')
    await remove('v1')
    registry.passMs(48 * 3_600_000)
    const { removed } = await registry.sweep()
    expect([removed.link.objects, removed.body.objects, removed.blob.objects]).toEqual([1, 1, 1])
  })

  test('of more than one transaction should do goes on as a job, which may be cut and run again at any point', async () => {
    // As pushes would have left them.
    const made = Array.from({ length: 1_300 }, (_, at) => Uint8Array.from([1, ...Array(31).fill(at % 256), at >> 8]))
    const row = {
      ...{ repository_id: await registry.idOf('app'), media_type: 'x', artifact_type: null, size_bytes: 1 },
      ...{
        config_digest: null,
        subject_digest: null,
        content_bytes: 1,
        annotations: null,
        pusher_id: '',
        pushed_ms: 1,
      },
    }
    await opened.db.write(async tx => {
      await tx
        .insertInto('manifest_bodies')
        .values(made.map(digest => ({ digest, body: digest })))
        .execute()
      await tx
        .insertInto('manifests')
        .values(made.map(digest => ({ ...row, digest })))
        .execute()
    })
    const children = made.map(digestFromBytes)
    const kept = children[700] as Digest
    const other = await push(indexOf([kept]), 'other')
    await push(indexOf(children), 'v1')
    await remove('v1')
    expect(await tags()).toEqual(['other'])
    const [job] = await jobs()
    const left = (await manifests()).length
    expect(left).toBeGreaterThan(700)
    expect(left).toBeLessThan(1_000)
    if (!job) throw new Error('no job')

    let now = registry.time.nowMs
    // A clock that lets one transaction begin.
    const clock = { nowMs: () => now++ }
    const untilMs = now + 1
    const payload = await goOnRemoving({ db: opened.db, clock }, job, { untilMs })
    const fewer = (await manifests()).length
    expect(fewer).toBeLessThan(left)
    expect((await jobs())[0]?.payload).toBe(payload ?? '')
    // A kill before the worker has noted anything: the row has what is to be gone on with.
    const [again] = await jobs()
    if (!again) throw new Error('no job')
    expect(await goOnRemoving({ db: opened.db, clock }, again)).toBeUndefined()
    expect(await manifests()).toEqual(stay(kept, other))
    // Once more changes nothing.
    expect(await goOnRemoving({ db: opened.db, clock }, again)).toBeUndefined()
    expect(await tags()).toEqual(['other'])
    const actors = await opened.db.read.selectFrom('events').select('actor_name').distinct().execute()
    expect(actors).toEqual([{ actor_name: 'admin' }])
  })

  test('of what a deleted repository held is left to its purge', async () => {
    await push(image('one'), 'v1')
    const repositoryId = await registry.idOf('app')
    await registry.deleteRepository('app')
    const target = { repositoryId, organizationId: 1, accountId: 'a'.repeat(32), path: 'group/app' }
    const payload = JSON.stringify({ by: registry.by, target, waiting: [digestToBytes(layer).toHex()] })
    expect(await goOnRemoving(registry.deps, { subject: 'x', payload })).toBeUndefined()
  })
})
