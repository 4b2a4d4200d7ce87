import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { acceptsMediaType } from './accept.ts'
import { mediaTypes } from './media-types.ts'

const { ociImage, ociIndex, dockerImage, dockerList } = mediaTypes

describe('an OCI image is', () => {
  test.each<[string | null, boolean]>([
    [null, true],
    ['', true],
    [' , ,', true],
    ['*/*', true],
    ['application/*', true],
    [ociImage, true],
    [ociImage.toUpperCase(), true],
    [`${ociIndex}, ${ociImage}`, true],
    [`${ociIndex},${dockerList},\t${ociImage} ; q=0.1 `, true],
    [`${ociImage};charset=utf-8`, true],
    [`${ociImage};q=0.5;x=y`, true],
    [`${ociImage};q=1.000`, true],
    [`${ociImage};q=nonsense`, true],
    [dockerImage, false],
    [`${ociIndex}, ${dockerImage}, ${dockerList}`, false],
    ['application/json', false],
    ['text/*', false],
    [`${ociImage};q=0`, false],
    [`${ociImage}; Q=0.000`, false],
    [`*/*, ${ociImage};q=0`, false],
    [`${ociImage};q=0, */*`, false],
    [`application/*;q=0, */*`, false],
    [`*/*;q=0, ${ociImage}`, true],
    [`${ociImage};q=0, ${ociImage}`, true],
    [`${ociImage}, ${ociImage};q=0`, true],
    ['nonsense', true],
  ])('by %j: %p', (header, expected) => {
    expect(acceptsMediaType(header, ociImage)).toBe(expected)
  })
})

test('is total and quick on a megabyte', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'a/*;,=q01. ') }), header => {
      expect(typeof acceptsMediaType(header, ociImage)).toBe('boolean')
    }),
  )
  const before = process.cpuUsage()
  for (const piece of [',', ';', '*/*;q=', ' ', `${ociImage};`, 'a/b,']) {
    acceptsMediaType(piece.repeat(1_000_000 / piece.length), ociImage)
  }
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(2000)
})
