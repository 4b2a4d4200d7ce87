import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdirSync, renameSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expireUploads } from '../../src/core/blobs/expire-uploads.ts'
import { appendToUpload, closeUpload, startUpload } from '../../src/core/blobs/uploads.ts'
import { runSweep } from '../../src/core/gc/run-sweep.ts'
import { beginSweep, type SweepSums } from '../../src/core/gc/sweep.ts'
import { readTotals } from '../../src/core/totals.ts'
import { digestToBytes } from '../../src/protocol/oci/digest.ts'
import { type CoreRegistry, digestOf, graceMs, openCoreRegistry, placeOf } from '../core-registry.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'

describeEngines('sweeping', (_engine, open) => {
  let opened: TestDatabase
  let registry: CoreRegistry

  beforeEach(async () => {
    opened = await open()
    registry = await openCoreRegistry(opened.db)
  })
  afterEach(async () => {
    await registry[Symbol.asyncDispose]()
    await opened.dispose()
  })

  const objects = ({ removed }: SweepSums) => [
    removed.link.objects,
    removed.body.objects,
    removed.blob.objects,
    removed.stray.objects,
  ]

  test('a blob that no manifest names goes when its grace time is over, and not before', async () => {
    const digest = await registry.push('app', 'unused')
    registry.passMs(graceMs - 1)
    expect(objects(await registry.sweep())).toEqual([0, 0, 0, 0])
    expect(await registry.pull('app', digest)).toBe('unused')
    registry.passMs(1)
    const done = await registry.sweep()
    expect(objects(done)).toEqual([1, 0, 1, 0])
    expect(done.removed.blob.bytes).toBe(6)
    expect(registry.files()).toEqual([])
    await expect(registry.pull('app', digest)).rejects.toMatchObject({ code: 'blob_unknown' })
    expect(objects(await registry.sweep())).toEqual([0, 0, 0, 0])
  })

  test('what a manifest names stays for ever, and goes with the manifest; its tag alone takes nothing along', async () => {
    const blobs = [await registry.push('app', 'config'), await registry.push('app', 'layer')]
    const manifest = await registry.pushImage('app', 'v1', blobs)
    registry.passMs(30 * graceMs)
    expect(objects(await registry.sweep())).toEqual([0, 0, 0, 0])
    await registry.deleteTag('app', 'v1')
    expect(objects(await registry.sweep())).toEqual([0, 0, 0, 0])
    expect(await registry.pullManifest('app', manifest)).toContain('config')
    await registry.deleteManifest('app', manifest)
    expect(objects(await registry.sweep())).toEqual([2, 1, 2, 0])
    expect(registry.files()).toEqual([])
  })

  test('a layer of two manifests stays until the second is deleted', async () => {
    const shared = await registry.push('app', 'shared')
    const [one, two] = [
      await registry.pushImage('app', 'one', [await registry.push('app', 'config 1'), shared]),
      await registry.pushImage('app', 'two', [await registry.push('app', 'config 2'), shared]),
    ]
    registry.passMs(2 * graceMs)
    await registry.deleteManifest('app', one)
    await registry.sweep()
    expect(await registry.pull('app', shared)).toBe('shared')
    await registry.deleteManifest('app', two)
    await registry.sweep()
    expect(registry.files()).toEqual([])
  })

  test('a blob of two repositories stays for the one that names it, and the other gets its bytes back', async () => {
    const digest = await registry.push('app', 'of both')
    await registry.mount('other', 'app', digest)
    await registry.pushImage('other', 'v1', [digest])
    expect([await registry.bytesOf('app'), await registry.bytesOf('other')]).toEqual([7, 7])
    registry.passMs(graceMs)
    const done = await registry.sweep()
    expect(objects(done)).toEqual([1, 0, 0, 0])
    expect([await registry.bytesOf('app'), await registry.bytesOf('other')]).toEqual([0, 7])
    await expect(registry.pull('app', digest)).rejects.toMatchObject({ code: 'blob_unknown' })
    expect(await registry.pull('other', digest)).toBe('of both')
    const totalOf = await readTotals(opened.db.read, [`repository:${await registry.idOf('other')}`])
    expect(totalOf(`repository:${await registry.idOf('other')}`, 'bytes')).toBe(7)
  })

  test('children of a deleted index stay, tagged or not', async () => {
    const child = await registry.pushImage('app', undefined, [await registry.push('app', 'config')])
    const index = await registry.pushIndex('app', [child])
    await registry.deleteManifest('app', index)
    registry.passMs(2 * graceMs)
    expect(objects(await registry.sweep())).toEqual([0, 1, 0, 0])
    expect(await registry.pullManifest('app', child)).toContain('config')
    expect(await registry.pull('app', digestOf('config'))).toBe('config')
  })

  for (const [way, again] of Object.entries({
    'a push in one request': () => registry.push('app', 'again'),
    'a push in chunks': () => registry.pushInChunks('app', 'again'),
    'a mount': () => registry.mount('app', 'app', digestOf('again')),
    'a HEAD': () => registry.head('app', digestOf('again')),
  })) {
    test(`${way} lets the grace time of a blob begin anew, and counts its bytes once`, async () => {
      const digest = await registry.push('app', 'again')
      registry.passMs(graceMs - 1)
      await again()
      registry.passMs(graceMs - 1)
      expect(objects(await registry.sweep())).toEqual([0, 0, 0, 0])
      expect(await registry.pull('app', digest)).toBe('again')
      expect(await registry.bytesOf('app')).toBe(5)
      registry.passMs(1)
      expect(objects(await registry.sweep())).toEqual([1, 0, 1, 0])
    })
  }

  test('a blob pushed again in the millisecond of its first push is counted once', async () => {
    await registry.push('app', 'twice')
    await registry.push('app', 'twice')
    expect(await registry.bytesOf('app')).toBe(5)
  })

  test('a swept blob can be pushed again at once, in a place of its own', async () => {
    const digest = await registry.push('app', 'back')
    const [before] = registry.files()
    registry.passMs(graceMs)
    await registry.sweep()
    await registry.push('app', 'back')
    const [after] = registry.files()
    expect(after).not.toBe(before)
    expect(await registry.pull('app', digest)).toBe('back')
  })

  test('a blob condemned by a sweep that died is revived by a push, and the bytes it had go', async () => {
    const digest = await registry.push('app', 'condemned')
    registry.passMs(graceMs)
    const died = registry.sweep({
      atSweepStep: step => {
        if (step === 'condemned') throw new Error('died')
      },
    })
    await expect(died).rejects.toThrow('died')
    expect(await registry.stateOf(digest)).toBe('condemned')
    expect(await registry.mount('app', 'app', digest)).toBe(false)
    await registry.push('app', 'condemned')
    expect([await registry.stateOf(digest), registry.files().length]).toEqual(['present', 2])
    await registry.pushImage('app', 'v1', [digest])
    registry.passMs(graceMs)
    expect(objects(await registry.sweep())).toEqual([0, 0, 0, 1])
    expect(await registry.pull('app', digest)).toBe('condemned')
    expect(registry.files()).toHaveLength(1)
  })

  test('bytes that a killed push left go when they are old, and those of an upload that goes on stay', async () => {
    const kept = await registry.push('app', 'kept')
    await registry.pushImage('app', 'v1', [kept])
    const upload = {
      uploadId: 'left-by-a-kill',
      state: await registry.deps.store.startUpload('left-by-a-kill'),
      offsetBytes: 0,
    }
    const hex = digestToBytes(digestOf('')).subarray(1).toHex()
    await registry.deps.store.commit(upload, { algorithm: 'sha256', hex })
    const living = await startUpload(registry.deps, registry.by, placeOf('app'))
    await appendToUpload(registry.deps, registry.by, placeOf('app'), living, { stream: new Response('living').body })
    // As after a kill behind the rename: published, and the session still there.
    const session = { uploadId: living, state: upload.state, offsetBytes: 6 }
    const livingHex = digestToBytes(digestOf('living')).subarray(1).toHex()
    await registry.deps.store.commit(session, { algorithm: 'sha256', hex: livingHex })
    expect(objects(await registry.sweep({ graceMs: 2 * 3_600_000 }))).toEqual([0, 0, 0, 0])
    expect(objects(await registry.sweep({ graceMs: 0 }))).toEqual([0, 0, 0, 1])
    await closeUpload(registry.deps, registry.by, placeOf('app'), living, digestOf('living'), { stream: null })
    expect(await registry.pull('app', digestOf('living'))).toBe('living')
    expect(await registry.pull('app', kept)).toBe('kept')
  })

  test('an upload that expired after it was published leaves nothing', async () => {
    const id = await startUpload(registry.deps, registry.by, placeOf('app'))
    await appendToUpload(registry.deps, registry.by, placeOf('app'), id, { stream: new Response('late').body })
    const hex = digestToBytes(digestOf('late')).subarray(1).toHex()
    const state = await registry.deps.db.read
      .selectFrom('upload_sessions')
      .select('store_state')
      .executeTakeFirstOrThrow()
    await registry.deps.store.commit(
      { uploadId: id, state: state.store_state as never, offsetBytes: 4 },
      { algorithm: 'sha256', hex },
    )
    registry.passMs(25 * 3_600_000)
    expect(objects(await registry.sweep())).toEqual([0, 0, 0, 0])
    expect(await expireUploads(registry.deps)).toBe(1)
    expect(objects(await registry.sweep())).toEqual([0, 0, 0, 1])
    expect(registry.files()).toEqual([])
  })

  test('content older than the installation is left and told', async () => {
    await opened.db.write(tx =>
      tx
        .updateTable('accounts')
        .set({ created_ms: Date.now() - 60_000 })
        .execute(),
    )
    await registry.push('app', 'ours')
    const [file = ''] = registry.files()
    const foreign = join(registry.dataDir, `${file.slice(0, file.lastIndexOf('.'))}.of-another`)
    writeFileSync(foreign, 'ours')
    utimesSync(foreign, 1000, 1000)
    registry.passMs(graceMs)
    const done = await registry.sweep()
    expect([objects(done), done.foreign]).toEqual([[1, 0, 1, 0], 1])
    expect(statSync(foreign).size).toBe(4)
  })

  test('a blob whose bytes are missing is told, and its row stays', async () => {
    const digest = await registry.push('app', 'lost')
    await registry.pushImage('app', 'v1', [digest, await registry.push('app', 'found')])
    const lost = registry.files().find(file => file.includes(digest.slice(7)))
    rmSync(join(registry.dataDir, lost ?? ''))
    const missing: string[] = []
    const { state } = await runSweep(registry.sweepDeps, beginSweep(0), {
      onStep: (_kind, result) => missing.push(...result.missing.map(blob => blob.digest.toHex())),
    })
    expect(missing).toEqual([digestToBytes(digest).toHex()])
    expect(state.done.missing).toBe(1)
    expect(await registry.stateOf(digest)).toBe('present')
    await expect(registry.pull('app', digest)).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('a small blob that was just read is missing as well when its bytes are', async () => {
    const digest = await registry.push('app', 'lost')
    await registry.pull('app', digest)
    rmSync(join(registry.dataDir, registry.files()[0] ?? ''))
    expect((await registry.sweep()).missing).toBe(1)
  })

  test("missing bytes that several push again are there once, and those that come back go as nobody's", async () => {
    const digest = await registry.push('app', 'lost')
    await registry.pushImage('app', 'v1', [digest])
    const [lost = ''] = registry.files()
    renameSync(join(registry.dataDir, lost), join(registry.dataDir, 'unmounted'))
    await Promise.all(['app', 'other', 'app', 'other'].map(name => registry.push(name, 'lost')))
    expect(await registry.pull('app', digest)).toBe('lost')
    expect(await registry.bytesOf('app')).toBe(4)
    renameSync(join(registry.dataDir, 'unmounted'), join(registry.dataDir, lost))
    registry.passMs(graceMs)
    const done = await registry.sweep()
    expect([done.removed.stray.objects, done.missing, registry.files().length]).toEqual([1, 0, 1])
    expect(await registry.pull('app', digest)).toBe('lost')
  })

  test('what can not be removed is told, holds up nothing else, and is tried again', async () => {
    const stuck = await registry.push('app', 'stuck')
    for (let number = 0; number < 20; number++) await registry.push('app', `blob ${number}`)
    registry.passMs(graceMs)
    const told: string[] = []
    // A folder in the place of the file, which no unlink takes away.
    const path = join(registry.dataDir, registry.files().find(file => file.includes(stuck.slice(7))) ?? '')
    rmSync(path)
    mkdirSync(path)
    const done = await registry.sweep({ onFailure: (_error, location) => told.push(location) })
    expect([objects(done), done.left, told.length]).toEqual([[21, 0, 20, 0], 1, 1])
    rmdirSync(path)
    expect(objects(await registry.sweep())).toEqual([0, 0, 1, 0])
    expect(registry.files()).toEqual([])
  })

  test('nothing goes where nothing may be deleted, and a sweep goes on where it stood', async () => {
    await registry.push('app', 'read-only')
    registry.passMs(graceMs)
    const begun = beginSweep(registry.time.nowMs)
    const paused = await runSweep({ ...registry.sweepDeps, mayDelete: async () => false }, begun)
    expect(paused).toEqual({ state: begun, isOver: false })
    // Allowed when it began, and no more when the bytes were to go.
    let asked = 0
    const later = await runSweep({ ...registry.sweepDeps, mayDelete: async () => ++asked <= 3 }, begun)
    expect([later.isOver, later.state.kind, registry.files().length]).toEqual([false, 'stray', 1])
    expect(objects(await registry.sweep())).toEqual([0, 0, 1, 0])
  })

  test('a deleted repository leaves nothing behind', async () => {
    await registry.pushImage('app', 'v1', [await registry.push('app', 'config'), await registry.push('app', 'layer')])
    await registry.push('app', 'unused')
    await startUpload(registry.deps, registry.by, placeOf('app'))
    await registry.deleteRepository('app')
    expect(objects(await registry.sweep())).toEqual([0, 1, 3, 0])
    expect(registry.files()).toEqual([])
    for (const table of ['blobs', 'blob_links', 'manifests', 'manifest_bodies', 'publications'] as const) {
      expect(await opened.db.read.selectFrom(table).selectAll().execute()).toEqual([])
    }
  })

  test('a sweep of thousands is done in bounded steps, and a restart in the middle goes on there', async () => {
    const rows = Array.from({ length: 1_203 }, (_, number) => digestToBytes(digestOf(`blob ${number}`)))
    await registry.push('app', 'first')
    const repositoryId = await registry.idOf('app')
    const blobOf = (digest: Uint8Array) => {
      const hex = digest.subarray(1).toHex()
      return { digest, location: `sha256/${hex.slice(0, 2)}/${hex}.upload`, size_bytes: 2 }
    }
    for (let from = 0; from < rows.length; from += 200) {
      const part = rows.slice(from, from + 200)
      await opened.db.write(async tx => {
        await tx
          .insertInto('blobs')
          .values(part.map(digest => ({ ...blobOf(digest), state: 'present', created_ms: 0 })))
          .execute()
        await tx
          .insertInto('blob_links')
          .values(part.map(digest => ({ repository_id: repositoryId, digest, created_ms: 0, used_ms: 0 })))
          .execute()
      })
    }
    let state = beginSweep(registry.time.nowMs)
    let isOver = false
    let parts = 0
    while (!isOver) {
      // A clock that moves with each look lets one step through.
      let looks = 0
      const clock = { nowMs: () => registry.time.nowMs + (looks++ > 0 ? 1 : 0) }
      const part = await runSweep({ ...registry.sweepDeps, clock }, JSON.parse(JSON.stringify(state)), {
        untilMs: registry.time.nowMs + 1,
      })
      state = part.state
      isOver = part.isOver
      parts++
    }
    expect(parts).toBeGreaterThanOrEqual(8)
    expect([state.done.removed.link.objects, state.done.removed.blob.objects]).toEqual([1_203, 1_203])
    expect(await registry.bytesOf('app')).toBe(5 - 2 * 1_203)
    expect(await registry.pull('app', digestOf('first'))).toBe('first')
  })
})
