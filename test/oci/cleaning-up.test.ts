import { afterEach, beforeEach, expect, test } from 'bun:test'
import type { BlobDeps } from '../../src/core/blobs/deps.ts'
import { expireUploads } from '../../src/core/blobs/expire-uploads.ts'
import { appendToUpload, pushBlob, readUploadOffset, startUpload } from '../../src/core/blobs/uploads.ts'
import type { Requester } from '../../src/core/caller.ts'
import { purgeRepository } from '../../src/core/repositories/purge/purge.ts'
import { deleteRepository } from '../../src/core/repositories/repositories.ts'
import { parseDigest } from '../../src/protocol/oci/digest.ts'
import { describeEngines } from '../databases.ts'
import { sha256 } from './registry-client.ts'
import { bodyOf, hourMs, openUploadStand, type UploadStand } from './upload-stand.ts'

const place = { organization: 'group', repository: 'app' }

describeEngines('cleaning up', (_engine, open) => {
  let stand: UploadStand
  let deps: BlobDeps
  let by: Requester

  beforeEach(async () => {
    stand = await openUploadStand(await open())
    ;({ deps, by } = stand)
  })
  afterEach(() => stand[Symbol.asyncDispose]())

  test('an upload nobody came back for goes with its bytes, and one under way stays', async () => {
    const abandoned = await startUpload(deps, by, place)
    await appendToUpload(deps, by, place, abandoned, bodyOf('abandoned'))
    stand.wait(23 * hourMs)
    const living = await startUpload(deps, by, place)
    await appendToUpload(deps, by, place, living, bodyOf('living'))
    stand.wait(2 * hourMs)
    expect(await expireUploads(deps)).toBe(1)
    expect(stand.stagedFiles()).toEqual([living])
    await expect(readUploadOffset(deps, by, place, abandoned)).rejects.toMatchObject({ code: 'upload_unknown' })
    expect(await readUploadOffset(deps, by, place, living)).toBe(6)
    expect(await expireUploads(deps)).toBe(0)
  })

  test('staged bytes that no session knows go, too', async () => {
    const upload = {
      uploadId: 'left-by-a-crash',
      state: await stand.store.startUpload('left-by-a-crash'),
      offsetBytes: 0,
    }
    await (await stand.store.openUpload(upload))[Symbol.asyncDispose]()
    expect(stand.stagedFiles()).toEqual(['left-by-a-crash'])
    expect(await expireUploads(deps)).toBe(0)
    stand.wait(25 * hourMs)
    expect(await expireUploads(deps)).toBe(1)
    expect(stand.stagedFiles()).toEqual([])
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
    expect(stand.stagedFiles()).toEqual([])
    expect(await deps.db.read.selectFrom('repositories').select('name').execute()).toEqual([{ name: 'other' }])
    expect(await deps.db.read.selectFrom('blob_links').select('repository_id').execute()).toHaveLength(1)
    await purgeRepository(deps, id)
  })

  const linksOf = async (repositoryId: number) =>
    (await deps.db.read.selectFrom('blob_links').select('digest').where('repository_id', '=', repositoryId).execute())
      .length
})
