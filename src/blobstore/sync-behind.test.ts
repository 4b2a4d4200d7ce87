import { expect, test } from 'bun:test'
import { SyncBehind } from './sync-behind.ts'

const mebibyte = 1024 * 1024

/** A file whose syncs end when they are told to. */
function openSyncs() {
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = []
  const behind = new SyncBehind(() => new Promise((resolve, reject) => waiting.push({ resolve, reject })))
  return { behind, waiting }
}

test('every 8 MiB are synced, one sync at a time, and less than that not at all', async () => {
  const { behind, waiting } = openSyncs()
  for (let written = 1; written < 8; written++) behind.written(written * mebibyte)
  expect(waiting).toHaveLength(0)
  for (let written = 8; written <= 32; written++) behind.written(written * mebibyte)
  expect(waiting).toHaveLength(1)
  waiting[0]?.resolve()
  await behind.settled()
  behind.written(33 * mebibyte)
  expect(waiting).toHaveLength(2)
  waiting[1]?.resolve()
  await behind.settled()
  behind.written(33 * mebibyte + 8 * mebibyte - 1)
  expect(waiting).toHaveLength(2)
  behind.written(33 * mebibyte + 8 * mebibyte)
  expect(waiting).toHaveLength(3)
})

test('what earlier requests wrote is synced with the first bytes of the next', () => {
  const { behind, waiting } = openSyncs()
  behind.written(100 * mebibyte)
  expect(waiting).toHaveLength(1)
})

test('a failed sync is told of, and no other one hides it', async () => {
  const { behind, waiting } = openSyncs()
  behind.written(8 * mebibyte)
  const failure = new Error('EIO')
  waiting[0]?.reject(failure)
  await behind.settled()
  expect(behind.failure).toBe(failure)
  behind.written(80 * mebibyte)
  expect(waiting).toHaveLength(1)
})
