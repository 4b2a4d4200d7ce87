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
      await using writer = new FolderWriter({ file, offsetBytes: 0, state, memory, onClose: () => {} })
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
