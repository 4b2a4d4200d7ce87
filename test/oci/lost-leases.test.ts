import { expect, test } from 'bun:test'
import type { BlobLocation } from '../../src/blobstore/blobstore.ts'
import { UploadHashes } from '../../src/core/blobs/upload-hashes.ts'
import { appendToUpload, closeUpload, startUpload } from '../../src/core/blobs/uploads.ts'
import { digestOf } from '../../src/protocol/oci/digest.ts'
import { bodyOf, hourMs, openCoreRegistry } from '../core-registry.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'

const place = { organization: 'group', repository: 'app' }
const text = 'the bytes of two requests'
const bytes = new TextEncoder().encode(text)

/** Longer than a lease that nobody renews. */
const leaseIsOverMs = hourMs / 2

describeEngines('a request that lost its upload to another', (_engine, open) => {
  test('leaves the bytes alone that the other one published', async () => {
    let atPublished = async () => {}
    await using opened = disposable(await open())
    await using registry = await openCoreRegistry(opened.db, {
      atCommitStep: async step => {
        if (step === 'published') await atPublished()
      },
    })
    const { deps, by } = registry
    const digest = digestOf('sha256', bytes)
    const uploadId = await startUpload(deps, by, place)
    await appendToUpload(deps, by, place, uploadId, bodyOf(text))
    const close = () => closeUpload(deps, by, place, uploadId, digest, { stream: null })
    atPublished = async () => {
      atPublished = async () => {}
      registry.passMs(leaseIsOverMs)
      await close()
    }
    await expect(close()).rejects.toMatchObject({ code: 'upload_unknown' })

    const { location } = await deps.db.read.selectFrom('blobs').select('location').executeTakeFirstOrThrow()
    expect(await deps.store.open(location as BlobLocation)).toMatchObject({ sizeBytes: bytes.byteLength })
  })

  test('leaves the bytes alone that the other one holds', async () => {
    await using opened = disposable(await open())
    await using registry = await openCoreRegistry(opened.db)
    const { deps, by } = registry
    const uploadId = await startUpload(deps, by, place)
    await appendToUpload(deps, by, place, uploadId, bodyOf(text))
    const wrong = digestOf('sha256', new Uint8Array())
    const late = new ReadableStream(
      {
        async pull(controller) {
          registry.passMs(leaseIsOverMs)
          await appendToUpload(deps, by, place, uploadId, bodyOf(' and more'))
          controller.close()
        },
      },
      // Asked for nothing before its request has taken the upload.
      { highWaterMark: 0 },
    )
    await expect(closeUpload(deps, by, place, uploadId, wrong, { stream: late })).rejects.toThrow()
    expect(registry.files()).toEqual([`uploads/${uploadId}`])
    const whole = new TextEncoder().encode(`${text} and more`)
    await closeUpload(deps, by, place, uploadId, digestOf('sha256', whole), { stream: null })
  })
})

describeEngines('an upload whose bytes were published before its request died', (_engine, open) => {
  test('is closed by the same request, also under another algorithm than it was begun with', async () => {
    let hasDied = false
    await using opened = disposable(await open())
    await using registry = await openCoreRegistry(opened.db, {
      atCommitStep: async step => {
        if (step !== 'published' || hasDied) return
        hasDied = true
        throw new Error('killed')
      },
    })
    const { deps, by } = registry
    const digest = digestOf('sha512', bytes)
    const uploadId = await startUpload(deps, by, place)
    await appendToUpload(deps, by, place, uploadId, bodyOf(text))
    const close = () => closeUpload(deps, by, place, uploadId, digest, { stream: null })
    await expect(close()).rejects.toThrow('killed')
    registry.passMs(leaseIsOverMs)
    // As after a restart.
    deps.hashes = new UploadHashes()
    await close()
    expect(await deps.db.read.selectFrom('blob_links').select('repository_id').execute()).toHaveLength(1)
  })
})

function disposable({ db, dispose }: TestDatabase) {
  return { db, [Symbol.asyncDispose]: dispose }
}
