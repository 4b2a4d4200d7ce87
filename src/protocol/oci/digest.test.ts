import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  type DigestAlgorithm,
  digestAlgorithm,
  digestAlgorithms,
  digestFromBytes,
  digestHex,
  digestOf,
  digestToBytes,
  formatDigest,
  parseDigest,
  parseDigestAlgorithm,
  startHash,
} from './digest.ts'

const hex64 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const hex128 = hex64 + hex64

const anyDigest = fc.constantFrom<DigestAlgorithm>(...digestAlgorithms).chain(algorithm =>
  fc
    .string({
      unit: fc.constantFrom(...'0123456789abcdef'),
      minLength: algorithm === 'sha256' ? 64 : 128,
      maxLength: algorithm === 'sha256' ? 64 : 128,
    })
    .map(hex => formatDigest(algorithm, hex)),
)

describe('parseDigest', () => {
  test.each([`sha256:${hex64}`, `sha512:${hex128}`])('takes %s', text => {
    const digest = parseDigest(text)
    expect<string | undefined>(digest).toBe(text)
  })

  test.each([
    ['nothing', ''],
    ['an algorithm alone', 'sha256:'],
    ['upper-case hex', `sha256:${hex64.toUpperCase()}`],
    ['an upper-case algorithm', `SHA256:${hex64}`],
    ['a hash that is one digit short', `sha256:${hex64.slice(1)}`],
    ['a hash that is one digit long', `sha256:${hex64}0`],
    ['a sha256 hash called sha512', `sha512:${hex64}`],
    ['a sha512 hash called sha256', `sha256:${hex128}`],
    ['letters past f', `sha256:${hex64.slice(1)}g`],
    ['a line end after it', `sha256:${hex64.slice(1)}\n`],
    ['a full-width digit', `sha256:${hex64.slice(1)}０`],
    ['an algorithm that is not supported', `sha384:${hex64}${hex64.slice(32)}`],
    ['no separator', `sha256${hex64}`],
    ['another separator', `sha256-${hex64}`],
    ['a blank before it', ` sha256:${hex64}`],
  ])('refuses %s', (_what, text) => {
    expect(parseDigest(text)).toBeUndefined()
  })

  test('parse(format(algorithm, hex)) is the same digest', () => {
    fc.assert(
      fc.property(anyDigest, digest => {
        expect(formatDigest(digestAlgorithm(digest), digestHex(digest))).toBe(digest)
        expect(parseDigest(digest)).toBe(digest)
      }),
    )
  })

  test('is total', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(parseDigest(`sha256:${text}`)).toBeUndefined()
      }),
    )
  })
})

test('formatDigest throws on a hex that is none', () => {
  expect(() => formatDigest('sha256', '../../etc/passwd')).toThrow(RangeError)
})

test('parseDigestAlgorithm knows sha256 and sha512 alone', () => {
  expect(parseDigestAlgorithm('sha512')).toBe('sha512')
  expect(parseDigestAlgorithm('md5')).toBeUndefined()
  expect(parseDigestAlgorithm('constructor')).toBeUndefined()
})

describe('the binary form', () => {
  test('begins with the algorithm and holds the hash', () => {
    const sha256 = digestToBytes(formatDigest('sha256', hex64))
    expect([sha256.length, sha256[0], sha256[1], sha256[32]]).toEqual([33, 1, 0xe3, 0x55])
    const sha512 = digestToBytes(formatDigest('sha512', hex128))
    expect([sha512.length, sha512[0], sha512[64]]).toEqual([65, 2, 0x55])
  })

  test('goes there and back', () => {
    fc.assert(
      fc.property(anyDigest, digest => {
        expect(digestFromBytes(digestToBytes(digest))).toBe(digest)
        expect(digestFromBytes(Buffer.from(digestToBytes(digest)))).toBe(digest)
      }),
    )
  })

  test.each([
    ['no bytes', new Uint8Array(0)],
    ['an unknown algorithm', new Uint8Array(33).fill(3)],
    ['a hash cut short', new Uint8Array(32).fill(1)],
    ['a sha512 mark on a sha256 hash', new Uint8Array(33).fill(2)],
  ])('throws on %s', (_what, bytes) => {
    expect(() => digestFromBytes(bytes)).toThrow(RangeError)
  })
})

describe('hashing', () => {
  test.each([
    ['sha256', 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'sha512',
      'sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    ],
  ] as const)('%s of "abc" is the published value', (algorithm, expected) => {
    expect<string>(digestOf(algorithm, new TextEncoder().encode('abc'))).toBe(expected)
  })

  test('chunks in any cut give the digest of the whole', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<DigestAlgorithm>(...digestAlgorithms),
        fc.array(fc.uint8Array({ maxLength: 200 })),
        (algorithm, chunks) => {
          const hash = startHash(algorithm)
          for (const chunk of chunks) hash.update(chunk)
          expect(hash.digest()).toBe(digestOf(algorithm, Buffer.concat(chunks)))
        },
      ),
    )
  })

  test('a copy does not see what comes to the original later', () => {
    const hash = startHash('sha256')
    hash.update(Buffer.from('abc'))
    const copy = hash.copy()
    hash.update(Buffer.from('def'))
    expect(copy.digest()).toBe(digestOf('sha256', Buffer.from('abc')))
    expect(hash.digest()).toBe(digestOf('sha256', Buffer.from('abcdef')))
  })

  test('a hash that has ended throws instead of starting anew', () => {
    const hash = startHash('sha256')
    hash.digest()
    expect(() => hash.update(Buffer.from('x'))).toThrow('ended')
    expect(() => hash.copy()).toThrow('ended')
    expect(() => hash.digest()).toThrow('ended')
  })
})
