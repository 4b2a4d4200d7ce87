import { expect, test } from 'bun:test'
import { formatMarker, parseMarker } from './tags.ts'

test('a marker is read as it was written', () => {
  const marker = { name: 'v1.0_a-b', updatedMs: 1_700_000_000_123 }
  expect(parseMarker(formatMarker(marker, 'updated'), 'updated')).toEqual(marker)
  expect(parseMarker(formatMarker(marker, 'tag'), 'tag')).toEqual({ name: 'v1.0_a-b', updatedMs: 0 })
})

test.each([
  ['', 'tag'],
  ['v1', 'updated'],
  ['1:v1', 'tag'],
  ['1:', 'updated'],
  ['x:v1', 'updated'],
  ['1234567890123456:v1', 'updated'],
  ['1:-v', 'updated'],
  ['v 1', 'tag'],
  ['v1\n', 'tag'],
] as const)('%j is no marker of the order by %s', (text, by) => {
  expect(parseMarker(text, by)).toBeUndefined()
})
