import { expect, test } from 'bun:test'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { UploadState } from './blobstore.ts'
import { FolderWriter } from './folder-writer.ts'
import { WriteMemory } from './write-memory.ts'

const chunkBytes = 64 * 1024
const chunksEach = 40

/** Writes the same to each of `count` files side by side; the most that was held at once, and the files. */
async function writeSideBySide(count: number, limitBytes: number) {
  const folder = await mkdtemp(join(tmpdir(), 'stower-writer-'))
  try {
    let heldBytes = 0
    let mostBytes = 0
    const memory = new (class extends WriteMemory {
      override hold(bytes: number): void {
        super.hold(bytes)
        heldBytes += bytes
        mostBytes = Math.max(mostBytes, heldBytes)
      }
      override release(bytes: number): void {
        super.release(bytes)
        heldBytes -= bytes
      }
    })(limitBytes)
    const paths = Array.from({ length: count }, (_, index) => join(folder, String(index)))
    const ends = paths.map(async path => {
      const file = await open(path, 'w')
      const state = 'folder' as UploadState
      await using writer = new FolderWriter({
        file,
        offsetBytes: 0,
        state,
        memory,
        sync: () => file.datasync(),
        onClose: () => {},
      })
      for (let number = 0; number < chunksEach; number++) await writer.write(new Uint8Array(chunkBytes).fill(number))
      // The last one is dropped: it was never flushed.
      const flushed = await writer.flush()
      await writer.write(new Uint8Array(1))
      return flushed.offsetBytes
    })
    const offsets = await Promise.all(ends)
    const contents = await Promise.all(paths.map(path => readFile(path)))
    return { mostBytes, heldBytes, offsets, contents }
  } finally {
    await rm(folder, { recursive: true })
  }
}

const expected = Buffer.concat(Array.from({ length: chunksEach }, (_, number) => Buffer.alloc(chunkBytes, number)))

test('writers side by side hold little more than the limit, and every byte arrives', async () => {
  const limitBytes = 4 * chunkBytes
  const { mostBytes, heldBytes, offsets, contents } = await writeSideBySide(32, limitBytes)
  // Beyond the limit each holds the one chunk that made it wait.
  expect(mostBytes).toBeLessThanOrEqual(limitBytes + 32 * chunkBytes)
  expect(heldBytes).toBe(0)
  expect(offsets).toEqual(Array(32).fill(expected.byteLength))
  for (const content of contents) expect(content.subarray(0, expected.byteLength).equals(expected)).toBe(true)
})

test('a writer alone gathers one batch while another is written', async () => {
  const { mostBytes, contents } = await writeSideBySide(1, Number.POSITIVE_INFINITY)
  expect(mostBytes).toBeGreaterThan(4 * chunkBytes)
  expect(mostBytes).toBeLessThanOrEqual(9 * chunkBytes)
  expect(contents[0]?.subarray(0, expected.byteLength).equals(expected)).toBe(true)
})

test('bytes that a sync lost are told of by whatever comes next, and the file is handed to no commit', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stower-writer-'))
  try {
    const path = join(folder, 'staged')
    const failure = new Error('EIO')
    let failSync = () => {}
    let closed = 0
    const openWriter = async () =>
      new FolderWriter({
        file: await open(path, 'w'),
        offsetBytes: 0,
        state: 'folder' as UploadState,
        memory: new WriteMemory(1_000_000),
        sync: () =>
          new Promise((_resolve, reject) => {
            failSync = () => reject(failure)
          }),
        onClose: () => {
          closed++
        },
      })
    const fill = async (writer: FolderWriter) => {
      for (let number = 0; number < 9; number++) await writer.write(new Uint8Array(1024 * 1024))
      const flushed = await writer.flush()
      failSync()
      return flushed
    }
    const continued = await openWriter()
    await fill(continued)
    await expect(continued.close()).rejects.toBe(failure)
    await expect(continued.write(new Uint8Array(1))).rejects.toBe(failure)
    await expect(continued.flush()).rejects.toBe(failure)

    const committed = await openWriter()
    const { offsetBytes } = await fill(committed)
    expect(await committed.handOver(offsetBytes)).toBeUndefined()
    expect(closed).toBe(2)
  } finally {
    await rm(folder, { recursive: true })
  }
})
