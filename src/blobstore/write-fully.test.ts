import { expect, test } from 'bun:test'
import { type Writev, writeFully } from './write-fully.ts'

/** A file in memory whose system takes at most `mostBytes` in one call. */
function stingyFile(mostBytes: number) {
  const content: number[] = []
  const calls: number[] = []
  const writev: Writev = (_fd, chunks, position, done) => {
    const taken = chunks.flatMap(chunk => [...chunk]).slice(0, mostBytes)
    content.splice(position, taken.length, ...taken)
    calls.push(taken.length)
    queueMicrotask(() => done(null, taken.length))
  }
  return { content, calls, writev }
}

const chunks = [new Uint8Array([1, 2, 3]), new Uint8Array([4]), new Uint8Array([5, 6, 7, 8])]

for (const { mostBytes, calls } of [
  { mostBytes: 100, calls: [8] },
  { mostBytes: 7, calls: [7, 1] },
  { mostBytes: 4, calls: [4, 4] },
  { mostBytes: 3, calls: [3, 3, 2] },
  { mostBytes: 1, calls: [1, 1, 1, 1, 1, 1, 1, 1] },
]) {
  test(`writes go on until all is written when the system takes ${mostBytes} bytes at a time`, async () => {
    const file = stingyFile(mostBytes)
    await writeFully(0, chunks, 0, file.writev)
    expect(file.content).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(file.calls).toEqual(calls)
  })
}

test('writes start at the position that is given', async () => {
  const file = stingyFile(3)
  file.content.push(0, 0)
  await writeFully(0, chunks, 2, file.writev)
  expect(file.content).toEqual([0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
})

test('a system that takes nothing and names no error is an error, not an endless loop', async () => {
  const file = stingyFile(0)
  await expect(writeFully(0, chunks, 0, file.writev)).rejects.toThrow('the system took no byte')
})

test("the system's error is passed on, also in the middle", async () => {
  let calls = 0
  const full = new Error('ENOSPC')
  const writev: Writev = (_fd, _chunks, _position, done) => (++calls === 1 ? done(null, 2) : done(full, 0))
  await expect(writeFully(0, chunks, 0, writev)).rejects.toBe(full)
})

test('nothing to write is no call', async () => {
  const file = stingyFile(3)
  await writeFully(0, [], 0, file.writev)
  expect(file.calls).toEqual([])
})
