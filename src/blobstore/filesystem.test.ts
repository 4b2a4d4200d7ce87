import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { isDomainError } from '../core/errors.ts'
import type { BlobLocation, BlobStore } from './blobstore.ts'
import { type CommitStep, openFilesystemStore } from './filesystem.ts'
import { append, bytes, describeBlobStore, digestOf, expectCode, publish, start } from './suite.ts'

describeBlobStore('folder', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'stower-blobs-'))
  const store = await openFilesystemStore({ dataDir })
  const stores = [store]
  return {
    store,
    async openAgain() {
      const other = await openFilesystemStore({ dataDir })
      stores.push(other)
      return other
    },
    async dispose() {
      for (const opened of stores) await opened[Symbol.asyncDispose]()
      await rm(dataDir, { recursive: true })
    },
  }
})

describe('folder store', () => {
  let scratch: string
  let dataDir: string

  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'stower-folder-'))
    dataDir = join(scratch, 'not', 'there', 'yet')
  })
  afterEach(() => rm(scratch, { recursive: true }))

  test('its folders are 0700 and its files 0600, staged and published', async () => {
    await using store = await openFilesystemStore({ dataDir })
    await append(store, await start(store, 'staged'), bytes(1))
    const location = await publish(store, 'published', bytes(10))
    const { hex } = digestOf(bytes(10))
    expect(location as string).toBe(`sha256/${hex.slice(0, 2)}/${hex}.published`)
    expect(await modes(dataDir)).toEqual({
      '.': '700',
      blobs: '700',
      'blobs/sha256': '700',
      [`blobs/sha256/${hex.slice(0, 2)}`]: '700',
      [`blobs/${location}`]: '600',
      uploads: '700',
      'uploads/staged': '600',
    })
  })

  test('opened content has an absolute path, also when the data folder was named by a relative one', async () => {
    await using store = await openFilesystemStore({ dataDir: relative(process.cwd(), dataDir) })
    const opened = await store.open(await publish(store, 'one', bytes(100_000)))
    expect(opened.kind === 'file' && opened.path.startsWith(`${dataDir}/blobs/`)).toBe(true)
  })

  test('a commit goes through staged, synced, renamed and published, and the bytes move at the rename', async () => {
    const seen: string[] = []
    const place = async (step: CommitStep) => {
      const staged = (await readdir(join(dataDir, 'uploads'))).length
      const published = (await readdir(join(dataDir, 'blobs'), { recursive: true })).filter(name => /\.one$/.test(name))
      seen.push(`${step}: ${staged} staged, ${published.length} published`)
    }
    await using store = await openFilesystemStore({ dataDir, atCommitStep: place })
    await publish(store, 'one', bytes(10))
    expect(seen).toEqual([
      'staged: 1 staged, 0 published',
      'synced: 1 staged, 0 published',
      'renamed: 0 staged, 1 published',
      'published: 0 staged, 1 published',
    ])
  })

  test('an upload that has no byte yet takes no room', async () => {
    await using store = await openFilesystemStore({ dataDir })
    const upload = await start(store, 'begun')
    expect(await readdir(join(dataDir, 'uploads'))).toEqual([])
    expect(await new Response(await store.readUpload(upload)).bytes()).toEqual(new Uint8Array())
  })

  test('a digest that is no digest makes no path', async () => {
    await using store = await openFilesystemStore({ dataDir })
    const upload = await start(store, 'odd')
    for (const hex of ['', '../../../x', 'A'.repeat(64), 'a'.repeat(63), `${'a'.repeat(64)}\n`, 'a'.repeat(128)]) {
      await expectCode(store.commit(upload, { algorithm: 'sha256', hex }), 'digest_invalid')
    }
    expect(await readdir(join(dataDir, 'blobs'))).toEqual([])
  })

  test('a folder in the place of content is blob_unknown', async () => {
    await using store = await openFilesystemStore({ dataDir })
    const location = await publish(store, 'one', bytes(10))
    await store.remove(location)
    await mkdir(join(dataDir, 'blobs', location))
    await expectCode(store.open(location), 'blob_unknown')
  })

  test('the sweep is told of uploads by their last write, and not of files that are no uploads', async () => {
    await using store = await openFilesystemStore({ dataDir })
    for (const id of ['old', 'new']) await append(store, await start(store, id), bytes(1))
    await writeFile(join(dataDir, 'uploads', '.probe'), '')
    for (const name of ['old', '.probe']) await utimes(join(dataDir, 'uploads', name), 1000, 1000)
    expect(await Array.fromAsync(store.listUploads(1_000_001))).toEqual(['old'])
    expect(await Array.fromAsync(store.listUploads(1_000_000))).toEqual([])
  })

  test('files that the store did not make are no content, wherever they lie', async () => {
    await using store = await openFilesystemStore({ dataDir })
    const location = await publish(store, 'one', bytes(10))
    const shard = join(dataDir, 'blobs', location, '..')
    await writeFile(join(dataDir, 'blobs', 'README'), '')
    await writeFile(join(dataDir, 'blobs', 'sha256', 'README'), '')
    await writeFile(join(shard, `${digestOf(bytes(10)).hex}.tar.gz`), '')
    await mkdir(join(shard, `${digestOf(bytes(10)).hex}.folder`))
    const { content } = await store.listContent({ after: undefined, limit: 10 })
    expect(content.map(each => each.location)).toEqual([location])
  })

  test('a folder is read once for all pages of a walk, and again for the next walk', async () => {
    await using store = await openFilesystemStore({ dataDir })
    const { hex } = digestOf(bytes(10))
    const location = await publish(store, 'b', bytes(10))
    const add = (name: string) => writeFile(join(dataDir, 'blobs', location, '..', `${hex}.${name}`), '')
    const page = async (after: BlobLocation | undefined) => {
      const { content, next } = await store.listContent({ after, limit: 1 })
      return { ids: content.map(({ uploadId }) => uploadId), next }
    }
    await add('a')
    const first = await page(undefined)
    await add('c')
    // Two that go on at the same place don't take each other's.
    const seconds = await Promise.all([page(first.next), page(first.next)])
    expect([first.ids, ...seconds.map(({ ids }) => ids)]).toEqual([['a'], ['b'], ['b']])
    const third = await page(undefined)
    const fourth = await page(third.next)
    await add('d')
    const fifth = await page(fourth.next)
    expect([third.ids, fourth.ids, fifth.ids]).toEqual([['a'], ['b'], ['c']])
    expect(await page(fifth.next)).toEqual({ ids: [], next: undefined })
  })

  test('its check leaves nothing behind and says so when a folder is gone', async () => {
    await using store = await openFilesystemStore({ dataDir })
    await store.check()
    expect(await readdir(join(dataDir, 'uploads'))).toEqual([])
    await rm(join(dataDir, 'uploads'), { recursive: true })
    const error = await store.check().catch(error => error)
    expect(isDomainError(error, 'unavailable')).toBe(true)
    expect(error.message).toContain(`${dataDir} is not there, or lost its folders`)
    expect(error.cause.code).toBe('ENOENT')
  })

  test('without its folders it is unavailable, and no upload is said to be unknown', async () => {
    await using store = await openFilesystemStore({ dataDir })
    const upload = await append(store, await start(store, 'one'), bytes(10))
    const begun = await start(store, 'two')
    await rename(join(dataDir, 'uploads'), join(dataDir, 'unmounted'))
    await expectCode(store.openUpload(upload), 'unavailable')
    await expectCode(store.openUpload(begun), 'unavailable')
    await expectCode(store.readUpload(upload), 'unavailable')
    await expectCode(store.commit(upload, digestOf(bytes(10))), 'unavailable')
    await rename(join(dataDir, 'unmounted'), join(dataDir, 'uploads'))
    await rename(join(dataDir, 'blobs'), join(dataDir, 'unmounted'))
    await expectCode(store.commit(upload, digestOf(bytes(10))), 'unavailable')
    await rename(join(dataDir, 'unmounted'), join(dataDir, 'blobs'))
    await store.commit(upload, digestOf(bytes(10)))
    await expectCode(store.openUpload(upload), 'upload_unknown')
  })

  for (const lost of ['sha256', `sha256/${digestOf(bytes(10)).hex.slice(0, 2)}`]) {
    test(`a folder of content that was tidied away is made again: ${lost}`, async () => {
      await using store = await openFilesystemStore({ dataDir })
      await publish(store, 'one', bytes(10))
      await rm(join(dataDir, 'blobs', lost), { recursive: true })
      const location = await publish(store, 'two', bytes(10))
      expect(await store.findSize(location)).toBe(10)
    })
  }

  test('a data folder that is a file is refused with a sentence that says so', async () => {
    await writeFile(join(scratch, 'file'), '')
    const error = await openFilesystemStore({ dataDir: join(scratch, 'file', 'data') }).catch(error => error)
    expect(isDomainError(error, 'unavailable')).toBe(true)
    expect(error.message).toContain('is not a folder')
  })

  test('closing the store closes its writers and readers', async () => {
    const store = await openFilesystemStore({ dataDir })
    const upload = await append(store, await start(store, 'open'), bytes(10))
    const writer = await store.openUpload(upload)
    await store.readUpload(upload)
    expect(await openFilesBelow(dataDir)).toBe(2)
    await store[Symbol.asyncDispose]()
    expect(await openFilesBelow(dataDir)).toBe(0)
    await expectCode(writer.write(bytes(1)), 'unavailable')
  })

  test('every operation gives its files back', async () => {
    await using store = await openFilesystemStore({ dataDir })
    const upload = await append(store, await start(store, 'one'), bytes(300_000))
    await new Response(await store.readUpload(upload)).bytes()
    await store.readUpload(upload).then(stream => stream.cancel())
    await expectCode(store.openUpload({ ...upload, offsetBytes: 300_001 }), 'upload_unknown')
    const location = await store.commit(upload, digestOf(bytes(300_000)))
    await store.open(location)
    await store.remove(location)
    await store.check()
    expect(await openFilesBelow(dataDir)).toBe(0)
  })

  test('eight blocked file operations do not stop a ninth when the thread pool has 32 threads', async () => {
    const script = `
      import { open } from 'node:fs/promises'
      import { openFilesystemStore } from ${JSON.stringify(join(import.meta.dir, 'filesystem.ts'))}
      const [dataDir, ...fifos] = process.argv.slice(1)
      // Nobody writes to these, so each holds its thread until the process ends.
      for (const fifo of fifos) open(fifo, 'r').catch(error => { console.log('not blocked', error.code); process.exit(1) })
      const store = await openFilesystemStore({ dataDir })
      const upload = { uploadId: 'ninth', state: await store.startUpload('ninth'), offsetBytes: 0 }
      const writer = await store.openUpload(upload)
      await writer.write(new Uint8Array(300_000))
      console.log((await writer.flush()).offsetBytes)
      process.kill(process.pid, 'SIGKILL')
    `
    const fifos = Array.from({ length: 8 }, (_, index) => join(scratch, `fifo-${index}`))
    expect(await Bun.spawn(['mkfifo', ...fifos]).exited).toBe(0)
    await using child = Bun.spawn([process.execPath, '-e', script, dataDir, ...fifos], {
      env: { ...process.env, UV_THREADPOOL_SIZE: '32' },
      stdout: 'pipe',
      stderr: 'inherit',
      timeout: 10_000,
    })
    expect(await child.stdout.text()).toBe('300000\n')
  }, 15_000)
})

// Root in a container may lack the right to mount; this asks for it without mounting anything.
const cannotMount = process.platform !== 'linux' || Bun.spawnSync(['unshare', '--mount', 'true']).exitCode !== 0

describe.skipIf(cannotMount)(
  'folder store on a small file system (skipped where mounting is not allowed: root on Linux)',
  () => {
    let dataDir: string
    let store: BlobStore

    beforeEach(async () => {
      dataDir = await mkdtemp(join(tmpdir(), 'stower-small-'))
      await mountSmall(dataDir)
      store = await openFilesystemStore({ dataDir })
    })
    afterEach(async () => {
      await store[Symbol.asyncDispose]()
      await unmount(dataDir)
      await rm(dataDir, { recursive: true })
    })

    test('a write that finds no room is storage_full, and what was flushed before it stays', async () => {
      const kept = bytes(1_000_003)
      const upload = await append(store, await start(store, 'kept'), kept)
      const writer = await store.openUpload(upload)
      const writeTooMuch = async () => {
        for (let count = 0; count < 20; count++) await writer.write(bytes(100_000))
        await writer.flush()
      }
      await expectCode(writeTooMuch(), 'storage_full')
      await expectCode(writer.write(bytes(1)), 'storage_full')
      await expectCode(writer.flush(), 'storage_full')
      await writer[Symbol.asyncDispose]()
      expect(await store.freeBytes()).toBe(0)
      const done = await append(store, upload, bytes(10))
      const expected = new Uint8Array([...kept, ...bytes(10)])
      const location = await store.commit(done, digestOf(expected))
      expect(new Uint8Array(await readFile(join(dataDir, 'blobs', location)))).toEqual(expected)
    })

    test('a check on a full file system is unavailable and says that there is no room', async () => {
      await writeFile(join(dataDir, 'filler'), new Uint8Array((await store.freeBytes()) ?? 0))
      const error = await store.check().catch(error => error)
      expect(isDomainError(error, 'unavailable')).toBe(true)
      expect(error.message).toContain('has no room left')
      expect(await readdir(join(dataDir, 'uploads'))).toEqual([])
    })

    test('free bytes are what the file system says, and fall by what is written', async () => {
      const before = (await store.freeBytes()) ?? 0
      expect(before).toBe(2 * 1024 * 1024)
      await append(store, await start(store, 'one'), bytes(1024 * 1024))
      expect(await store.freeBytes()).toBe(before - 1024 * 1024)
    })

    test('blobs and uploads on two file systems are refused at the start', async () => {
      const otherDir = await mkdtemp(join(tmpdir(), 'stower-other-'))
      await symlink(dataDir, join(otherDir, 'blobs'))
      const error = await openFilesystemStore({ dataDir: otherDir }).catch(error => error)
      await rm(otherDir, { recursive: true })
      expect(isDomainError(error, 'unavailable')).toBe(true)
      expect(error.message).toContain('spreads over two file systems')
    })
  },
)

/** Permission bits in octal of a folder and everything below it, by relative path. */
async function modes(folder: string): Promise<Record<string, string>> {
  const names = ['.', ...(await readdir(folder, { recursive: true }))].sort()
  const found = names.map(async name => [name, ((await stat(join(folder, name))).mode & 0o777).toString(8)] as const)
  return Object.fromEntries(await Promise.all(found))
}

async function openFilesBelow(folder: string): Promise<number> {
  const fdDir = `/proc/${process.pid}/fd`
  // A descriptor may be closed between the listing and the look.
  const targets = (await readdir(fdDir)).map(fd => readlink(join(fdDir, fd)).catch(() => ''))
  return (await Promise.all(targets)).filter(target => target.startsWith(`${folder}/`)).length
}

async function mountSmall(folder: string): Promise<void> {
  await Bun.$`mount -t tmpfs -o size=2m,mode=0700 tmpfs ${folder}`.quiet()
}

async function unmount(folder: string): Promise<void> {
  await Bun.$`umount ${folder}`.quiet()
}
