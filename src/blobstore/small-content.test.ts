import { expect, test } from 'bun:test'
import type { BlobLocation } from './blobstore.ts'
import { mostSmallBytes, SmallContent } from './small-content.ts'

const location = (number: number) => `sha256/00/${number}` as BlobLocation
const content = new Blob([new Uint8Array(mostSmallBytes)])

test('what is kept is bounded, and what was asked for last stays', () => {
  const small = new SmallContent()
  small.keep(location(0), content)
  for (let number = 1; number < 1_000; number++) {
    small.keep(location(number), content)
    expect(small.get(location(0))).toBe(content)
  }
  const kept = Array.from({ length: 1_000 }, (_, number) => small.get(location(number))).filter(each => each)
  expect(kept.length * mostSmallBytes).toBeLessThanOrEqual(6 * 1024 * 1024)
  expect(kept.length).toBeGreaterThan(80)
})

test('keeping the same again and dropping makes room as if it had been there once', () => {
  const small = new SmallContent()
  for (let time = 0; time < 1_000; time++) small.keep(location(0), content)
  for (let number = 1; number < 60; number++) small.keep(location(number), content)
  expect(small.get(location(0))).toBe(content)
  small.drop(location(0))
  small.drop(location(0))
  expect(small.get(location(0))).toBeUndefined()
})
