import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Descriptor, formatDescriptor, parseDescriptor } from './descriptor.ts'
import { digestOf } from './digest.ts'
import { ManifestError } from './manifest-error.ts'

const bytes = new TextEncoder().encode('hello')
const wire = { mediaType: 'application/octet-stream', digest: digestOf('sha256', bytes), size: 5 }
const emptyDigest = digestOf('sha256', new Uint8Array())

describe('parseDescriptor', () => {
  test('reads all fields', () => {
    const full = {
      ...wire,
      digest: digestOf('sha512', bytes),
      artifactType: 'application/x',
      annotations: { 'org.example': 'ö' },
      urls: ['https://example.org/a'],
      data: bytes.toBase64(),
      platform: {
        architecture: 'arm64',
        os: 'windows',
        'os.version': '10.0',
        'os.features': ['win32k'],
        variant: 'v8',
        features: ['sse4'],
      },
      'org.example.custom': { size: 1.5 },
    }
    expect<unknown>(JSON.parse(JSON.stringify(parseDescriptor(full, 'config')))).toEqual({
      mediaType: 'application/octet-stream',
      digest: full.digest,
      sizeBytes: 5,
      artifactType: 'application/x',
      annotations: { 'org.example': 'ö' },
      urls: ['https://example.org/a'],
      platform: { architecture: 'arm64', os: 'windows', osVersion: '10.0', osFeatures: ['win32k'], variant: 'v8' },
    })
  })

  test.each<[string, Record<string, unknown>]>([
    ['size 0', { digest: emptyDigest, size: 0 }],
    ['empty data of empty content', { digest: emptyDigest, size: 0, data: '' }],
    ['the largest size', { size: Number.MAX_SAFE_INTEGER }],
    ['null for what may be absent', { annotations: null, urls: null, platform: null, data: null, artifactType: null }],
    ['a media type of no RFC', { mediaType: 'foo; bar="baz"' }],
    ['a platform that says nothing', { platform: {} }],
  ])('takes %s', (_what, change) => {
    expect(parseDescriptor({ ...wire, ...change }, 'config').mediaType).toBeString()
  })

  test.each<[string, unknown, string]>([
    ['null', null, 'config is not'],
    ['a list', [wire], 'config is not'],
    ['a digest in place of a descriptor', wire.digest, 'config is not'],
    ['no mediaType', { ...wire, mediaType: undefined }, 'no mediaType'],
    ['an empty mediaType', { ...wire, mediaType: '' }, 'no mediaType'],
    ['a mediaType that is a number', { ...wire, mediaType: 1 }, 'mediaType of config'],
    ['a mediaType with a line end', { ...wire, mediaType: 'a/b\r\nx: y' }, 'not a media type'],
    ['a mediaType of 256 characters', { ...wire, mediaType: 'a'.repeat(256) }, 'not a media type'],
    ['no digest', { ...wire, digest: undefined }, 'no digest'],
    ['a digest that is none', { ...wire, digest: 'sha256:abc' }, 'digest of config'],
    ['a digest in upper case', { ...wire, digest: wire.digest.toUpperCase() }, 'digest of config'],
    ['an algorithm that is not supported', { ...wire, digest: `md5:${'0'.repeat(32)}` }, 'digest of config'],
    ['a digest that is an object', { ...wire, digest: {} }, 'digest of config'],
    ['no size', { ...wire, size: undefined }, 'no size'],
    ['a negative size', { ...wire, size: -1 }, 'size of config'],
    ['a size with a fraction', { ...wire, size: 1.5 }, 'size of config'],
    ['a size of 2^53', { ...wire, size: 2 ** 53 }, 'size of config'],
    ['a size that is a string', { ...wire, size: '5' }, 'size of config'],
    ['a size that is true', { ...wire, size: true }, 'size of config'],
    ['data of other content', { ...wire, data: btoa('hellO') }, 'does not match'],
    ['data of another length', { ...wire, size: 6, data: btoa('hello') }, 'does not match'],
    ['empty data', { ...wire, data: '' }, 'does not match'],
    ['data without padding', { ...wire, data: btoa('hello').replace('=', '') }, 'not base64'],
    ['data in the URL alphabet', { ...wire, data: '-_-_' }, 'not base64'],
    ['data that is a list', { ...wire, data: [104] }, 'not base64'],
    ['annotations that are a list', { ...wire, annotations: ['a'] }, 'annotations of config'],
    ['an annotation that is a number', { ...wire, annotations: { a: 1 } }, '"a" of config'],
    ['an annotation that is null', { ...wire, annotations: { a: null } }, '"a" of config'],
    ['an annotation with a lone surrogate', { ...wire, annotations: { a: '\ud800' } }, 'well-formed'],
    ['an annotation key with a lone surrogate', { ...wire, annotations: { '\udc00': '' } }, 'well-formed'],
    ['urls that are a string', { ...wire, urls: 'https://example.org' }, 'urls of config'],
    ['urls that are numbers', { ...wire, urls: [1] }, 'urls of config'],
    ['a platform that is a string', { ...wire, platform: 'linux/amd64' }, 'platform of config'],
    ['an architecture that is a number', { ...wire, platform: { architecture: 1 } }, 'architecture of platform'],
    ['a key in another case', { ...wire, Size: 6 }, 'must be written "size"'],
    ['a platform key in another case', { ...wire, platform: { OS: 'linux' } }, 'must be written "os"'],
  ])('refuses %s', (_what, value, reason) => {
    const attempt = () => parseDescriptor(value, 'config')
    expect(attempt).toThrow(ManifestError)
    expect(attempt).toThrow(reason)
  })

  test('annotations named like object properties stay annotations', () => {
    const value = JSON.parse(
      JSON.stringify({ ...wire, annotations: { constructor: 'c', toString: 't' } }).replace(
        '"constructor"',
        '"__proto__"',
      ),
    )
    const { annotations } = parseDescriptor(value, 'config')
    expect(Object.entries(annotations ?? {})).toEqual([
      ['__proto__', 'c'],
      ['toString', 't'],
    ])
    expect(annotations?.valueOf).toBeUndefined()
    expect(JSON.stringify(annotations)).toBe('{"__proto__":"c","toString":"t"}')
  })
})

test('a reason quotes little of what came', () => {
  try {
    parseDescriptor({ ...wire, digest: 'x\n'.repeat(1_000_000) }, 'config')
    expect.unreachable()
  } catch (error) {
    expect(String(error).length).toBeLessThan(400)
    expect(String(error)).not.toInclude('\n')
  }
})

test('parse(format(descriptor)) is the same descriptor', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 8 })
  const mediaType = fc.string({ minLength: 1, maxLength: 20 })
  const platform = fc.record(
    { architecture: text, os: text, osVersion: text, osFeatures: fc.array(text), variant: text },
    { requiredKeys: ['architecture', 'os'] },
  )
  const descriptor: fc.Arbitrary<Descriptor> = fc.record(
    {
      mediaType,
      digest: fc.uint8Array().map(content => digestOf('sha512', content)),
      sizeBytes: fc.maxSafeNat(),
      artifactType: mediaType,
      annotations: fc.dictionary(text, text, { noNullPrototype: false }),
      platform,
      urls: fc.array(text),
    },
    { requiredKeys: ['mediaType', 'digest', 'sizeBytes'], noNullPrototype: true },
  )
  fc.assert(
    fc.property(descriptor, expected => {
      const json = JSON.stringify(formatDescriptor(expected))
      const parsed = parseDescriptor(JSON.parse(json), 'layers[0]')
      expect(JSON.parse(JSON.stringify(parsed))).toEqual(JSON.parse(JSON.stringify(expected)))
    }),
  )
})
