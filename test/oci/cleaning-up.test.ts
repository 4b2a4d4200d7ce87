import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BlobStore } from '../../src/blobstore/blobstore.ts'
import { openFilesystemStore } from '../../src/blobstore/filesystem.ts'
import { type Access, openAccess } from '../../src/core/access/access.ts'
import type { BlobDeps } from '../../src/core/blobs/deps.ts'
import { expireUploads } from '../../src/core/blobs/expire-uploads.ts'
import { UploadHashes } from '../../src/core/blobs/upload-hashes.ts'
import { appendToUpload, pushBlob, readUploadOffset, startUpload } from '../../src/core/blobs/uploads.ts'
import type { Requester } from '../../src/core/caller.ts'
import { createOrganization } from '../../src/core/organizations/organizations.ts'
import { purgeRepository } from '../../src/core/repositories/purge/purge.ts'
import { deleteRepository } from '../../src/core/repositories/repositories.ts'
import { parseOrganizationName } from '../../src/protocol/manage/names.ts'
import { parseDigest } from '../../src/protocol/oci/digest.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'
import { sha256 } from './registry-client.ts'

const hourMs = 3_600_000
const place = { organization: 'group', repository: 'app' }

describeEngines('cleaning up', (_engine, open) => {
  let opened: TestDatabase
  let store: BlobStore
  let access: Access
  let deps: BlobDeps
  let by: Requester
  let dataDir: string
  // File times are the machine's own, so the clock begins there.
  let nowMs = Date.now()

  beforeEach(async () => {
    opened = await open()
    nowMs = Date.now()
    dataDir = mkdtempSync(join(tmpdir(), 'stower-cleaning-'))
    store = await openFilesystemStore({ dataDir })
    access = openAccess(opened.db)
    const clock = { nowMs: () => nowMs }
    deps = {
      db: opened.db,
      store,
      access,
      clock,
      hashes: new UploadHashes(),
      uploadExpiryMs: 24 * hourMs,
      deletesBlobsInUse: false,
    }
    const account = { id: 'a'.repeat(32), name: 'OTC', created_ms: 0 }
    const user = { id: 'b'.repeat(32), account_id: account.id, name: 'admin', password_hash: '', created_ms: 0 }
    await opened.db.write(async tx => {
      await tx.insertInto('accounts').values(account).execute()
      await tx
        .insertInto('users')
        .values({ ...user, is_administrator: 1, is_enabled: 1, epoch: 1 })
        .execute()
    })
    by = {
      caller: {
        kind: 'user',
        userId: user.id,
        userName: 'admin',
        accountId: account.id,
        accountName: 'OTC',
        userEpoch: 1,
      },
      origin: { requestId: 'test', sourceAddress: '' },
    }
    const name = parseOrganizationName('group')
    if (name.kind === 'invalid') throw new Error(name.reason)
    await createOrganization(deps, by, name.name)
  })
  afterEach(async () => {
    await store[Symbol.asyncDispose]()
    await opened.dispose()
    rmSync(dataDir, { recursive: true, force: true })
  })

  const body = (text: string) => ({ stream: new Response(text).body })
  const stagedFiles = () => readdirSync(join(dataDir, 'uploads'))

  test('an upload nobody came back for goes with its bytes, and one under way stays', async () => {
    const abandoned = await startUpload(deps, by, place)
    await appendToUpload(deps, by, place, abandoned, body('abandoned'))
    nowMs += 23 * hourMs
    const living = await startUpload(deps, by, place)
    await appendToUpload(deps, by, place, living, body('living'))
    nowMs += 2 * hourMs
    expect(await expireUploads(deps)).toBe(1)
    expect(stagedFiles()).toEqual([living])
    await expect(readUploadOffset(deps, by, place, abandoned)).rejects.toMatchObject({ code: 'upload_unknown' })
    expect(await readUploadOffset(deps, by, place, living)).toBe(6)
    expect(await expireUploads(deps)).toBe(0)
  })

  test('staged bytes that no session knows go, too', async () => {
    const upload = { uploadId: 'left-by-a-crash', state: await store.startUpload('left-by-a-crash'), offsetBytes: 0 }
    await (await store.openUpload(upload))[Symbol.asyncDispose]()
    expect(stagedFiles()).toEqual(['left-by-a-crash'])
    expect(await expireUploads(deps)).toBe(0)
    nowMs += 25 * hourMs
    expect(await expireUploads(deps)).toBe(1)
    expect(stagedFiles()).toEqual([])
  })

  test('what a deleted repository held is purged, and what others hold stays', async () => {
    const other = { organization: 'group', repository: 'other' }
    const contents = Array.from({ length: 40 }, (_, number) => `blob ${number}`)
    for (const text of contents) {
      const digest = parseDigest(sha256(text))
      if (!digest) throw new Error('no digest')
      await pushBlob(deps, by, place, digest, body(text))
    }
    const shared = parseDigest(sha256('blob 0'))
    if (!shared) throw new Error('no digest')
    await pushBlob(deps, by, other, shared, body('blob 0'))
    await startUpload(deps, by, place)
    const { id } = await opened.db.read
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
    expect(await opened.db.read.selectFrom('repositories').select('name').execute()).toEqual([{ name: 'other' }])
    expect(await opened.db.read.selectFrom('blob_links').select('repository_id').execute()).toHaveLength(1)
    await purgeRepository(deps, id)
  })

  const linksOf = async (repositoryId: number) =>
    (await opened.db.read.selectFrom('blob_links').select('digest').where('repository_id', '=', repositoryId).execute())
      .length
})
