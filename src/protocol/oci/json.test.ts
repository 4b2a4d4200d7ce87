import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { fieldOf, isJsonObject, maxJsonDepth, readJsonObject, refuseMisspelledKeys } from './json.ts'
import { ManifestError } from './manifest-error.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const read = (text: string) => readJsonObject(bytesOf(text))

/** `{"a":{"a":…{}…}}`, or the same of lists inside an object. */
const nested = (depth: number, open: string, close: string, core: string) =>
  `{"a":${open.repeat(depth - 1)}${core}${close.repeat(depth - 1)}}`

describe('readJsonObject refuses', () => {
  test.each<[string, Uint8Array, string]>([
    ['nothing', bytesOf(''), 'not valid JSON'],
    ['half an object', bytesOf('{"a":1'), 'not valid JSON'],
    ['two objects', bytesOf('{}{}'), 'not valid JSON'],
    ['a trailing comma', bytesOf('{"a":1,}'), 'not valid JSON'],
    ['a string without an end', bytesOf('{"a":"\\'), 'not valid JSON'],
    ['a bad escape in a key', bytesOf('{"\\x":1}'), 'not valid JSON'],
    ['a duplicate key in what is no JSON', bytesOf('{"a":1,"a":2'), 'not valid JSON'],
    ['a list', bytesOf('[]'), 'not a JSON object'],
    ['null', bytesOf('null'), 'not a JSON object'],
    ['a string', bytesOf('"a"'), 'not a JSON object'],
    ['a byte order mark', new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), 'byte order mark'],
    ['invalid UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'not valid UTF-8'],
    ['an encoded surrogate', new Uint8Array([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]), 'not valid UTF-8'],
    ['UTF-16', new Uint8Array([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]), 'not valid UTF-8'],
    ['a key twice', bytesOf('{"a":1,"b":2,"a":3}'), '"a" twice'],
    ['a key twice, once escaped', bytesOf('{"mediaType":1,"\\u006dediaType":2}'), '"mediaType" twice'],
    ['a key twice deep inside', bytesOf('{"x":[1,{"y":{"a":[],"a":{}}}]}'), '"a" twice'],
    ['__proto__ twice', bytesOf('{"__proto__":1,"__proto__":2}'), '"__proto__" twice'],
    ['objects one level too deep', bytesOf(nested(maxJsonDepth, '{"a":', '}', '{}')), 'deeper than'],
    ['lists one level too deep', bytesOf(nested(maxJsonDepth, '[', ']', '[]')), 'deeper than'],
    ['lists 100,000 deep', bytesOf('['.repeat(100_000)), 'deeper than'],
    ['a million opened objects', bytesOf('{"a":'.repeat(1_000_000)), 'deeper than'],
  ])('%s', (_what, bytes, reason) => {
    const attempt = () => readJsonObject(bytes)
    expect(attempt).toThrow(ManifestError)
    expect(attempt).toThrow(reason)
  })
})

describe('readJsonObject takes', () => {
  test.each([
    ['the deepest objects', nested(maxJsonDepth, '{"a":', '}', '1')],
    ['the deepest lists', nested(maxJsonDepth, '[', ']', '1')],
    ['equal keys in different objects', '{"a":{"a":1},"b":[{"a":1},{"a":2}],"c":{"a":1}}'],
    ['a string with the look of structure', '{"a":"{[\\"a\\":1,\\"a\\":2","b":"\\\\","c":"}"}'],
    ['equal values', '{"a":"x","b":"x","c":["x","x","a","a"]}'],
    ['keys that differ in case', '{"a":1,"A":2}'],
  ])('%s', (_what, text) => {
    expect<unknown>(read(text)).toEqual(JSON.parse(text))
  })

  test('every object that JSON.stringify writes, unchanged', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), value => {
        const text = JSON.stringify(value)
        fc.pre(!text.includes('"size"'))
        expect(JSON.stringify(read(text))).toBe(text)
      }),
    )
  })
})

describe('a number under "size"', () => {
  test.each(['0', '1', '10', '9007199254740991', '1234567890123456'])('is itself when written %s', token => {
    expect(read(`{"size":${token}}`).size).toBe(Number(token))
  })

  test.each(['5.0', '1e3', '1E3', '-0', '-5', '1.00000000000000000001', '9007199254740991.3', '90071992547409911'])(
    'is Infinity when written %s',
    token => {
      expect(read(`{"b":{"size":${token}}}`)).toEqual({ b: { size: Number.POSITIVE_INFINITY } })
      expect(read(`{"size" : ${token} , "c":1.5}`)).toEqual({ size: Number.POSITIVE_INFINITY, c: 1.5 })
    },
  )

  test('leaves other values of that key alone, and a key __proto__ harmless', () => {
    const value = read(
      '{"a":{"size":1.5},"b":{"size":[1.5,"x"]},"c":[{"size":2.0},2.5],"__proto__":{"size":"1.5","polluted":true}}',
    )
    expect(JSON.stringify(value)).toBe(
      '{"a":{"size":null},"b":{"size":[1.5,"x"]},"c":[{"size":null},2.5],"__proto__":{"size":"1.5","polluted":true}}',
    )
    expect('polluted' in value).toBe(false)
  })
})

test('an odd size costs the numbers beside it no more than reading them twice', () => {
  // Of the processor, which others may keep this process from for any time.
  const timeOf = (size: string) => {
    const bytes = bytesOf(`{"size":${size},"x":[${'0,'.repeat(500_000)}0]}`)
    const times = Array.from({ length: 5 }, () => {
      const before = process.cpuUsage()
      readJsonObject(bytes)
      return process.cpuUsage(before).user
    })
    return Math.min(...times)
  }
  expect(timeOf('1.5') / timeOf('1')).toBeLessThan(4)
})

test('readJsonObject throws nothing but ManifestError', () => {
  const token = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"size"',
    '"',
    '\\',
    '1',
    '-1.5e9',
    'null',
    ' ',
    '\u0000',
  )
  const anything = fc.oneof(
    fc.uint8Array(),
    fc.array(token).map(tokens => bytesOf(tokens.join(''))),
  )
  fc.assert(
    fc.property(anything, bytes => {
      try {
        expect(isJsonObject(readJsonObject(bytes))).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(ManifestError)
      }
    }),
    { numRuns: 500 },
  )
})

test('4 MiB of any shape are read in bounded time', () => {
  const fill = (piece: string) => piece.repeat(4_194_304 / piece.length)
  const before = process.cpuUsage()
  for (const text of [fill('"'), fill('\\'), fill('9'), fill(','), fill('{}'), fill('-'), `{"a":"${fill('\\u0061')}`]) {
    expect(() => read(text)).toThrow(ManifestError)
  }
  expect(Object.keys(read(`{"${fill('\\u0061')}":1}`))[0]).toHaveLength(Math.floor(4_194_304 / 6))
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(5000)
})

test('fieldOf sees own fields alone and takes null for absent', () => {
  const object = read('{"a":0,"b":null,"c":false,"__proto__":{"d":1}}')
  expect([fieldOf(object, 'a'), fieldOf(object, 'b'), fieldOf(object, 'c')]).toEqual([0, undefined, false])
  expect([fieldOf(object, 'd'), fieldOf(object, 'toString')]).toEqual([undefined, undefined])
})

describe('refuseMisspelledKeys', () => {
  const known = new Set(['manifests', 'blobs', 'size'])

  test.each(['Manifests', 'MANIFESTS', 'manifestS', 'Size', 'manife\u017fts', '\u017fize'])('refuses %s', key => {
    expect(() => refuseMisspelledKeys({ [key]: 1 }, known, 'here')).toThrow(ManifestError)
  })

  test('lets known and foreign keys pass', () => {
    refuseMisspelledKeys({ manifests: 1, manifest: 1, Sizes: 1, 'org.example': 1, '': 1, strasse: 1 }, known, 'here')
  })
})
