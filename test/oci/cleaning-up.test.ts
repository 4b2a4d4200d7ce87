import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdirSync, readdirSync, rmdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { purgeHandler } from '../../src/app/purging.ts'
import type { BlobDeps } from '../../src/core/blobs/deps.ts'
import { expireUploads } from '../../src/core/blobs/expire-uploads.ts'
import { appendToUpload, pushBlob, readUploadOffset, startUpload } from '../../src/core/blobs/uploads.ts'
import type { Requester } from '../../src/core/caller.ts'
import { purgeRepository } from '../../src/core/repositories/purge/purge.ts'
import { purgeBatch } from '../../src/core/repositories/purge/purge-batch.ts'
import { isMarkedDeleted } from '../../src/core/repositories/purge/queries.ts'
import { deleteRepository } from '../../src/core/repositories/repositories.ts'
import { insertion } from '../../src/metadata/statement.ts'
import { parseDigest } from '../../src/protocol/oci/digest.ts'
import { bodyOf, type CoreRegistry, hourMs, openCoreRegistry } from '../core-registry.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'
import { sha256 } from './registry-client.ts'

const place = { organization: 'group', repository: 'app' }

const insertManifests = insertion('manifests', [
  ...(['repository_id', 'digest', 'media_type', 'artifact_type', 'size_bytes', 'config_digest'] as const),
  ...(['subject_digest', 'content_bytes', 'annotations', 'pusher_id', 'pushed_ms'] as const),
])
const insertBlobs = insertion('manifest_blobs', ['repository_id', 'manifest_digest', 'target_digest', 'held_digest'])
const insertChildren = insertion('manifest_children', ['repository_id', 'manifest_digest', 'position', 'child_digest'])

describeEngines('cleaning up', (_engine, open) => {
  let opened: TestDatabase
  let registry: CoreRegistry
  let deps: BlobDeps
  let by: Requester

  beforeEach(async () => {
    opened = await open()
    registry = await openCoreRegistry(opened.db)
    ;({ deps, by } = registry)
  })
  afterEach(async () => {
    await registry[Symbol.asyncDispose]()
    await opened.dispose()
  })

  const uploadsDir = () => join(registry.dataDir, 'uploads')
  const stagedFiles = () => readdirSync(uploadsDir())

  test('an upload nobody came back for goes with its bytes, and one under way stays', async () => {
    const abandoned = await startUpload(deps, by, place)
    await appendToUpload(deps, by, place, abandoned, bodyOf('abandoned'))
    registry.passMs(23 * hourMs)
    const living = await startUpload(deps, by, place)
    await appendToUpload(deps, by, place, living, bodyOf('living'))
    registry.passMs(2 * hourMs)
    expect(await expireUploads(deps)).toBe(1)
    expect(stagedFiles()).toEqual([living])
    await expect(readUploadOffset(deps, by, place, abandoned)).rejects.toMatchObject({ code: 'upload_unknown' })
    expect(await readUploadOffset(deps, by, place, living)).toBe(6)
    expect(await expireUploads(deps)).toBe(0)
  })

  test('bytes that can not be removed are told, hold up no other upload, and are tried again', async () => {
    const stuck = await startUpload(deps, by, place)
    const unknown = 'left-by-a-crash'
    for (const id of [stuck, unknown]) {
      // A folder in the place of the file, which no unlink takes away.
      mkdirSync(join(uploadsDir(), id))
      utimesSync(join(uploadsDir(), id), 1, 1)
    }
    registry.passMs(hourMs)
    for (let number = 0; number < 250; number++) await startUpload(deps, by, place)
    registry.passMs(25 * hourMs)
    const told: string[] = []
    expect(await expireUploads({ ...deps, onFailure: (_error, id) => told.push(id) })).toBe(250)
    expect(told.sort()).toEqual([stuck, unknown].sort())
    for (const id of [stuck, unknown]) rmdirSync(join(uploadsDir(), id))
    expect(await expireUploads(deps)).toBe(1)
  })

  test('staged bytes that no session knows go, too', async () => {
    const upload = {
      uploadId: 'left-by-a-crash',
      state: await deps.store.startUpload('left-by-a-crash'),
      offsetBytes: 0,
    }
    await (await deps.store.openUpload(upload))[Symbol.asyncDispose]()
    expect(stagedFiles()).toEqual(['left-by-a-crash'])
    expect(await expireUploads(deps)).toBe(0)
    registry.passMs(25 * hourMs)
    expect(await expireUploads(deps)).toBe(1)
    expect(stagedFiles()).toEqual([])
  })

  test('what a deleted repository held is purged, and what others hold stays', async () => {
    const other = { organization: 'group', repository: 'other' }
    const contents = Array.from({ length: 40 }, (_, number) => `blob ${number}`)
    for (const text of contents) {
      const digest = parseDigest(sha256(text))
      if (!digest) throw new Error('no digest')
      await pushBlob(deps, by, place, digest, bodyOf(text))
    }
    const shared = parseDigest(sha256('blob 0'))
    if (!shared) throw new Error('no digest')
    await pushBlob(deps, by, other, shared, bodyOf('blob 0'))
    await startUpload(deps, by, place)
    const { id } = await deps.db.read
      .selectFrom('repositories')
      .select('id')
      .where('name', '=', 'app')
      .executeTakeFirstOrThrow()

    // A live repository is left alone, whoever asks.
    await purgeRepository(deps, id)
    expect(await linksOf(id)).toBe(40)

    await deleteRepository(deps, by, place)
    await purgeRepository(deps, id)
    expect(await linksOf(id)).toBe(0)
    expect(stagedFiles()).toEqual([])
    expect(await deps.db.read.selectFrom('repositories').select('name').execute()).toEqual([{ name: 'other' }])
    expect(await deps.db.read.selectFrom('blob_links').select('repository_id').execute()).toHaveLength(1)
    await purgeRepository(deps, id)
  })

  test('an upload into a repository that was purged since its request began is repository_unknown', async () => {
    await startUpload(deps, by, place)
    const { id } = await deps.db.read.selectFrom('repositories').select('id').executeTakeFirstOrThrow()
    const access: BlobDeps['access'] = {
      ...deps.access,
      facts: async (caller, at) => {
        const facts = await deps.access.facts(caller, at)
        await deleteRepository(deps, by, place)
        await purgeRepository(deps, id)
        return facts
      },
    }
    const late = startUpload({ ...deps, access }, by, place)
    await expect(late).rejects.toMatchObject({ code: 'repository_unknown' })
    expect(await deps.db.read.selectFrom('upload_sessions').select('id').execute()).toEqual([])
  })

  test('a purge takes a bounded number of rows at a time, however many a manifest has, and goes on where it was cut', async () => {
    const layers = 1_203
    await pushManifestRows(layers)
    const { id } = await deps.db.read.selectFrom('repositories').select('id').executeTakeFirstOrThrow()
    await deleteRepository(deps, by, place)
    let left = await rowsOf(id)
    expect(left).toBe(3 * (1 + layers + 2) + 1)
    for (;;) {
      const removed = await deps.db.write(tx => purgeBatch(tx, id, 100))
      const before = left
      left = await rowsOf(id)
      expect(before - left).toBe(removed)
      if (removed === 0) break
      expect(removed).toBeLessThanOrEqual(100)
    }
    expect(left).toBe(0)
    expect(await purgeRepository(deps, id)).toBe(true)
    expect(await isMarkedDeleted(deps.db.read, id)).toBe(false)
  })

  test('staged bytes that can not be removed keep a purge from nothing but its end', async () => {
    await pushManifestRows(3)
    const { id } = await deps.db.read.selectFrom('repositories').select('id').executeTakeFirstOrThrow()
    const [stuck] = await deps.db.read.selectFrom('upload_sessions').select('id').execute()
    mkdirSync(join(uploadsDir(), stuck?.id ?? ''))
    await deleteRepository(deps, by, place)
    await expect(purgeRepository(deps, id)).rejects.toMatchObject({ code: 'unavailable' })
    expect([await rowsOf(id), await isMarkedDeleted(deps.db.read, id)]).toEqual([0, true])
    rmdirSync(join(uploadsDir(), stuck?.id ?? ''))
    expect(await purgeRepository(deps, id)).toBe(true)
    expect(await isMarkedDeleted(deps.db.read, id)).toBe(false)
  })

  test('the job of a purge works for a second at a time, and ends when its worker stops', async () => {
    await pushManifestRows(1_203)
    const { id } = await deps.db.read.selectFrom('repositories').select('id').executeTakeFirstOrThrow()
    await deleteRepository(deps, by, place)
    const all = await rowsOf(id)
    const job = await deps.db.read.selectFrom('jobs').selectAll().executeTakeFirstOrThrow()
    let looks = 0
    const clock = { nowMs: () => 400 * looks++ }
    const handler = purgeHandler({ ...deps, clock })
    const stopped = await handler.run(job, AbortSignal.abort())
    expect([stopped?.payload, await rowsOf(id)]).toEqual([job.payload, all])
    const { signal } = new AbortController()
    let parts = 1
    while ((await handler.run(job, signal)) !== undefined) parts++
    expect(parts).toBeGreaterThan(3)
    expect(await isMarkedDeleted(deps.db.read, id)).toBe(false)
  })

  /** Three manifests that name so many layers each, which lie elsewhere, with two children, and a tag. */
  async function pushManifestRows(layers: number): Promise<void> {
    await startUpload(deps, by, place)
    const { id: repository_id } = await deps.db.read.selectFrom('repositories').select('id').executeTakeFirstOrThrow()
    const digestOf = (number: number) => new Uint8Array(new Uint32Array([number]).buffer)
    for (const number of [1, 2, 3]) {
      const manifest_digest = digestOf(number)
      await deps.db.write(async tx => {
        await tx.insertInto('manifest_bodies').values({ digest: manifest_digest, body: manifest_digest }).execute()
        await insertManifests(tx, [
          {
            ...{ repository_id, digest: manifest_digest, media_type: '', artifact_type: null, size_bytes: 4 },
            ...{ config_digest: null, subject_digest: null, content_bytes: 0, annotations: null },
            ...{ pusher_id: '', pushed_ms: 0 },
          },
        ])
        const targets = Array.from({ length: layers }, (_, layer) => digestOf(layer))
        await insertBlobs(
          tx,
          targets.map(target_digest => ({ repository_id, manifest_digest, target_digest, held_digest: null })),
        )
        await insertChildren(
          tx,
          [0, 1].map(position => ({ repository_id, manifest_digest, position, child_digest: digestOf(position) })),
        )
      })
    }
    await deps.db.write(tx =>
      tx
        .insertInto('tags')
        .values({ repository_id, name: 'v1', digest: digestOf(1), created_ms: 0, updated_ms: 0 })
        .execute(),
    )
  }

  const rowsOf = async (repositoryId: number) => {
    let rows = 0
    for (const table of ['tags', 'manifests', 'manifest_blobs', 'manifest_children', 'blob_links'] as const) {
      const found = deps.db.read.selectFrom(table).select('repository_id').where('repository_id', '=', repositoryId)
      rows += (await found.execute()).length
    }
    return rows
  }

  const linksOf = async (repositoryId: number) =>
    (await deps.db.read.selectFrom('blob_links').select('digest').where('repository_id', '=', repositoryId).execute())
      .length
})
