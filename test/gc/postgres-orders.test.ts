import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { holdPresentBlob, insertLink, touchLinks, upsertBlob } from '../../src/core/blobs/queries.ts'
import { condemnUnlinked, deleteCondemned, deleteUnheldBodies, deleteUnusedLinks } from '../../src/core/gc/queries.ts'
import { insertBody, insertManifest, insertReferences } from '../../src/core/manifests/queries.ts'
import type { Transaction } from '../../src/metadata/database.ts'
import { digestToBytes } from '../../src/protocol/oci/digest.ts'
import { type CoreRegistry, digestOf, openCoreRegistry } from '../core-registry.ts'
import { openPostgresForTest, type TestDatabase } from '../databases.ts'
import { type InOrder, runInOrder } from '../in-order.ts'
import { postgresPrograms } from '../postgres-server.ts'

/*
 * Each pair of transactions that meet in a sweep, on two connections, in both orders: the one that comes second begins
 * while the first has done its work and not yet committed.
 */

const describePostgres = postgresPrograms() ? describe : describe.skip
describePostgres(`a sweep beside pushes on PostgreSQL${postgresPrograms() ? '' : ' (needs postgresql-15)'}`, () => {
  let opened: TestDatabase
  let registry: CoreRegistry
  let repositoryId: number
  const blob = digestToBytes(digestOf('blob'))

  beforeEach(async () => {
    opened = await openPostgresForTest()
    registry = await openCoreRegistry(opened.db)
    await registry.push('app', 'blob')
    repositoryId = await registry.idOf('app')
  })
  afterEach(async () => {
    await registry[Symbol.asyncDispose]()
    await opened.dispose()
  })

  const inOrder: InOrder = (first, second) => runInOrder(opened.db, first, second)

  const linkAgain = async (tx: Transaction) => {
    const held = await holdPresentBlob(tx, blob)
    if (held) await insertLink(tx, repositoryId, blob, registry.time.nowMs)
    return held !== undefined
  }
  const condemn = async (tx: Transaction) => (await condemnUnlinked(tx, 'postgres', [blob])).length
  const upload = async (tx: Transaction) => {
    const location = `sha256/${Buffer.from(blob.subarray(1, 2)).toString('hex')}/new` as never
    const place = await upsertBlob(tx, { digest: blob, sizeBytes: 4, location, nowMs: registry.time.nowMs })
    await insertLink(tx, repositoryId, blob, registry.time.nowMs)
    return place === location ? 'new place' : 'old place'
  }
  const unlink = () => opened.db.write(tx => tx.deleteFrom('blob_links').execute())
  const stateNow = async () => {
    const row = await opened.db.read.selectFrom('blobs').selectAll().executeTakeFirst()
    const links = await opened.db.read.selectFrom('blob_links').selectAll().execute()
    return [row?.state, links.length]
  }

  test('a link first: the condemnation passes the blob over', async () => {
    await unlink()
    expect(await inOrder(linkAgain, condemn)).toEqual([true, 0])
    expect(await stateNow()).toEqual(['present', 1])
  })

  test('a condemnation first: the link finds no present blob', async () => {
    await unlink()
    expect(await inOrder(condemn, linkAgain)).toEqual([1, false])
    expect(await stateNow()).toEqual(['condemned', 0])
  })

  test('an upload first: the condemnation passes the blob over', async () => {
    await unlink()
    expect(await inOrder(upload, condemn)).toEqual(['old place', 0])
    expect(await stateNow()).toEqual(['present', 1])
  })

  test('a condemnation first: the upload brings another place', async () => {
    await unlink()
    expect(await inOrder(condemn, upload)).toEqual([1, 'new place'])
    expect(await stateNow()).toEqual(['present', 1])
  })

  test('an upload of a condemned blob first: its row is not removed with the bytes that went', async () => {
    await unlink()
    await opened.db.write(condemn)
    const { location } = await opened.db.read.selectFrom('blobs').select('location').executeTakeFirstOrThrow()
    await inOrder(upload, tx => deleteCondemned(tx, [location]))
    expect(await stateNow()).toEqual(['present', 1])
  })

  test('the removal of a condemned row first: the upload makes one anew', async () => {
    await unlink()
    await opened.db.write(condemn)
    const { location } = await opened.db.read.selectFrom('blobs').select('location').executeTakeFirstOrThrow()
    await inOrder(tx => deleteCondemned(tx, [location]), upload)
    expect(await stateNow()).toEqual(['present', 1])
  })

  test('of two uploads that heal a lost blob the first gives it its place', async () => {
    const { location: lostLocation } = await opened.db.read
      .selectFrom('blobs')
      .select('location')
      .executeTakeFirstOrThrow()
    const heal = (name: string) => async (tx: Transaction) => {
      const location = `sha256/${Buffer.from(blob.subarray(1, 2)).toString('hex')}/${name}` as never
      return upsertBlob(tx, { digest: blob, sizeBytes: 4, location, lostLocation, nowMs: registry.time.nowMs })
    }
    const [first, second] = await inOrder(heal('first'), heal('second'))
    expect([first, second]).toEqual([expect.stringContaining('/first'), first])
  })

  const everything = {
    after: { repositoryId: 0, digest: new Uint8Array() },
    upTo: { repositoryId: 2 ** 50, digest: blob },
  }
  const unlinkUnused = async (tx: Transaction) => (await deleteUnusedLinks(tx, everything, registry.time.nowMs)).length
  const manifest = digestToBytes(digestOf('manifest'))
  const pushManifest = async (tx: Transaction) => {
    const links = await tx.selectFrom('blob_links').select('digest').execute()
    if (links.length === 0) return 'missing'
    await insertBody(tx, manifest, new Uint8Array([1]))
    await insertManifest(tx, {
      repository_id: repositoryId,
      digest: manifest,
      media_type: 'x',
      artifact_type: null,
      size_bytes: 1,
      config_digest: null,
      subject_digest: null,
      content_bytes: 0,
      annotations: null,
      index_depth: 0,
      index_reach: 0,
      pusher_id: '',
      pushed_ms: 0,
    })
    const reference = { repository_id: repositoryId, manifest_digest: manifest, target_digest: blob, held_digest: blob }
    await insertReferences(tx, { blobs: [reference], children: [] })
    return 'pushed'
  }

  test('a manifest first: the link it needs stays', async () => {
    expect(await inOrder(pushManifest, unlinkUnused)).toEqual(['pushed', 0])
    expect(await stateNow()).toEqual(['present', 1])
  })

  test('the removal of a link first: the manifest learns that it is missing', async () => {
    expect(await inOrder(unlinkUnused, pushManifest)).toEqual([1, 'missing'])
    expect(await stateNow()).toEqual(['present', 0])
  })

  const touch = async (tx: Transaction) =>
    (await touchLinks(tx, [{ repositoryId, digest: blob }], registry.time.nowMs + 1)).length

  test('a note of its use first: the link stays', async () => {
    expect(await inOrder(touch, unlinkUnused)).toEqual([1, 0])
  })

  test('the removal of a link first: the note of its use tells that it is gone', async () => {
    expect(await inOrder(unlinkUnused, touch)).toEqual([1, 0])
  })

  test('a push of the same blob first: the link stays', async () => {
    registry.passMs(1)
    const cutoffMs = registry.time.nowMs - 1
    const sweepLinks = async (tx: Transaction) => (await deleteUnusedLinks(tx, everything, cutoffMs)).length
    expect(await inOrder(linkAgain, sweepLinks)).toEqual([true, 0])
    expect(await stateNow()).toEqual(['present', 1])
  })

  test('the removal of a link first: the push links anew', async () => {
    expect(await inOrder(unlinkUnused, linkAgain)).toEqual([1, true])
    expect(await stateNow()).toEqual(['present', 1])
  })

  const sweepBodies = async (tx: Transaction) => (await deleteUnheldBodies(tx, [manifest])).length

  for (const isFirst of [true, false]) {
    test(`a manifest ${isFirst ? 'before' : 'behind'} the removal of its unheld bytes is pushed whole`, async () => {
      await opened.db.write(tx => insertBody(tx, manifest, new Uint8Array([1])))
      const [pushed, swept] = isFirst
        ? await inOrder(pushManifest, sweepBodies)
        : (await inOrder(sweepBodies, pushManifest)).toReversed()
      expect([pushed, swept]).toEqual(['pushed', isFirst ? 0 : 1])
      expect(await opened.db.read.selectFrom('manifest_bodies').selectAll().execute()).toHaveLength(1)
    })
  }
})
