import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  formatContentRange,
  formatUnsatisfiedRange,
  formatUploadRange,
  maxRanges,
  parseContentRange,
  parseRange,
  type RequestedRange,
} from './range.ts'

const whole: RequestedRange = { kind: 'whole' }
const unsatisfiable: RequestedRange = { kind: 'unsatisfiable' }
const ranges = (...pairs: [number, number][]): RequestedRange => ({
  kind: 'ranges',
  ranges: pairs.map(([firstByte, lastByte]) => ({ firstByte, lastByte })),
})

describe('parseRange over 2000 bytes', () => {
  test.each<[string | null, RequestedRange]>([
    ['bytes=500-1499', ranges([500, 1499])],
    ['bytes=500-', ranges([500, 1999])],
    ['bytes=-500', ranges([1500, 1999])],
    ['bytes=0-0', ranges([0, 0])],
    ['bytes=0-', ranges([0, 1999])],
    ['bytes=1999-', ranges([1999, 1999])],
    ['bytes=1500-5000', ranges([1500, 1999])],
    ['bytes=-5000', ranges([0, 1999])],
    ['bytes=0-99999999999999999999999', ranges([0, 1999])],
    ['BYTES=0-1', ranges([0, 1])],
    ['bytes=0-1, 10-11 ,\t-1', ranges([0, 1], [10, 11], [1999, 1999])],
    ['bytes=10-11,0-1', ranges([10, 11], [0, 1])],
    ['bytes=,0-1,,', ranges([0, 1])],
    ['bytes=0-1,5000-6000', ranges([0, 1])],
    ['bytes=2000-5000', unsatisfiable],
    ['bytes=5000-10000', unsatisfiable],
    ['bytes=99999999999999999999999-', unsatisfiable],
    ['bytes=-0', unsatisfiable],
    ['bytes=5000-,6000-', unsatisfiable],
    ['bytes=500-0', unsatisfiable],
    ['bytes=0-1,500-0', unsatisfiable],
    ['bytes=-', whole],
    ['bytes=', whole],
    ['bytes=,', whole],
    ['bytes', whole],
    ['bytes=a-b', whole],
    ['bytes=1-2-3', whole],
    ['bytes=0x1-2', whole],
    ['bytes=1.5-2', whole],
    ['bytes= 1 - 2', whole],
    ['bytes=-1e3', whole],
    ['items=0-1', whole],
    ['0-1', whole],
    ['', whole],
    [null, whole],
    ['bytes=0-10,10-20', whole],
    ['bytes=0-,0-,0-', whole],
    ['bytes=100-200,0-1999', whole],
    [`bytes=${Array.from({ length: maxRanges + 1 }, (_, index) => `${index * 2}-${index * 2}`)}`, whole],
  ])('%s', (header, expected) => {
    expect(parseRange(header, 2000)).toEqual(expected)
  })
})

test.each(['bytes=0-', 'bytes=0-0', 'bytes=-1', 'bytes=-0'])('content without bytes satisfies no %s', header => {
  expect(parseRange(header, 0)).toEqual(unsatisfiable)
})

test('ranges lie inside the content, do not overlap and are no longer than it in sum', () => {
  const spec = fc.oneof(
    fc.tuple(fc.nat(50), fc.nat(50)).map(([a, b]) => `${a}-${a + b}`),
    fc.nat(50).map(first => `${first}-`),
    fc.nat(50).map(suffix => `-${suffix}`),
  )
  fc.assert(
    fc.property(fc.array(spec, { minLength: 1, maxLength: 6 }), fc.nat(60), (specs, sizeBytes) => {
      const requested = parseRange(`bytes=${specs.join(',')}`, sizeBytes)
      if (requested.kind !== 'ranges') return
      const seen = new Set<number>()
      for (const { firstByte, lastByte } of requested.ranges) {
        expect(firstByte).toBeLessThanOrEqual(lastByte)
        for (let byte = firstByte; byte <= lastByte; byte++) {
          expect(byte >= 0 && byte < sizeBytes && !seen.has(byte)).toBe(true)
          seen.add(byte)
        }
      }
      expect(seen.size).toBeGreaterThan(0)
    }),
  )
})

test('numbers of a megabyte are not read', () => {
  const digits = '9'.repeat(1_000_000)
  expect(parseRange(`bytes=0-${digits}`, 2000)).toEqual(whole)
  expect(parseContentRange(`0-${digits}`)).toBeUndefined()
})

test('parseRange is total', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'0123456789-,= bytes') }), fc.nat(), (text, sizeBytes) => {
      for (const header of [text, `bytes=${text}`]) {
        expect(['whole', 'unsatisfiable', 'ranges']).toContain(parseRange(header, sizeBytes).kind)
      }
    }),
  )
})

describe('parseContentRange', () => {
  test.each([
    ['0-0', 0, 0],
    ['0-1023', 0, 1023],
    ['1024-2047', 1024, 2047],
    ['007-008', 7, 8],
    ['0-9007199254740991', 0, 9007199254740991],
  ])('takes %s', (header, firstByte, lastByte) => {
    expect(parseContentRange(header)).toEqual({ firstByte, lastByte })
  })

  test.each([
    '',
    '-',
    '0-',
    '-5',
    '5',
    '5-4',
    'bytes 0-5',
    'bytes 0-5/6',
    '0-5/6',
    '0-5/*',
    ' 0-5',
    '0-5\n',
    '0 - 5',
    '+0-5',
    '1e3-2e3',
    '0-9007199254740992',
  ])('refuses %j', header => {
    expect(parseContentRange(header)).toBeUndefined()
  })

  test('an upload range of at least a byte parses back to the offset', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), offsetBytes => {
        expect(parseContentRange(formatUploadRange(offsetBytes))).toEqual({ firstByte: 0, lastByte: offsetBytes - 1 })
      }),
    )
  })
})

test('a fresh upload and one of a single byte both have the range 0-0', () => {
  expect([0, 1, 2].map(formatUploadRange)).toEqual(['0-0', '0-0', '0-1'])
})

test('Content-Range of answers', () => {
  expect(formatContentRange({ firstByte: 500, lastByte: 1499 }, 2000)).toBe('bytes 500-1499/2000')
  expect(formatUnsatisfiedRange(2000)).toBe('bytes */2000')
})
