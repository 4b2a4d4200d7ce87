import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  isReservedComponent,
  maxRepositoryPathLength,
  parseReference,
  parseRepositoryPath,
  parseTag,
  type RepositoryPath,
  splitRepositoryPath,
} from './names.ts'

const hex64 = '0123456789abcdef'.repeat(4)

describe('parseRepositoryPath', () => {
  test.each([
    'a',
    '0',
    'group/app',
    'group/app/part',
    'a.b/c_d/e__f/g-h/i--j---k',
    'a/manifests',
    'a/blobs/uploads',
    'a/tags/list',
    'x'.repeat(255),
    `a/${'b'.repeat(253)}`,
  ])('takes %s', text => {
    expect<string | undefined>(parseRepositoryPath(text)).toBe(text)
  })

  test.each([
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    'a/../b',
    'a/./b',
    '..',
    'A',
    'a/B',
    'a___b',
    'a..b',
    'a._b',
    'a-_b',
    'a.-b',
    '-a',
    'a-',
    '.a',
    'a.',
    '_a',
    'a_',
    'a/_b',
    'a%2fb',
    'a b',
    'a\n',
    'a\0',
    'a:b',
    'é',
    'ａ',
    'x'.repeat(256),
  ])('refuses %j', text => {
    expect(parseRepositoryPath(text)).toBeUndefined()
  })

  test('takes every name that the grammar generates, up to 255 characters', () => {
    const word = fc.string({ unit: fc.constantFrom(...'ab09'), minLength: 1, maxLength: 5 })
    const separator = fc.constantFrom('.', '_', '__', '-', '--', '---')
    const component = fc
      .tuple(word, fc.array(fc.tuple(separator, word), { maxLength: 3 }))
      .map(([first, rest]) => first + rest.flat().join(''))
    fc.assert(
      fc.property(fc.array(component, { minLength: 1, maxLength: 20 }), components => {
        const name = components.join('/')
        expect(parseRepositoryPath(name) !== undefined).toBe(name.length <= maxRepositoryPathLength)
      }),
    )
  })
})

describe('parseTag', () => {
  test.each(['latest', '_', '1.0', 'A-b_c.d', '__proto__', 'x'.repeat(128)])('takes %s', text => {
    expect<string | undefined>(parseTag(text)).toBe(text)
  })

  test.each(['', '.a', '-a', 'a b', 'a/b', 'a:b', 'a+b', 'a%20b', 'a\n', 'é', 'x'.repeat(129)])('refuses %j', text => {
    expect(parseTag(text)).toBeUndefined()
  })
})

describe('parseReference', () => {
  test('tells a tag from a digest', () => {
    expect(parseReference('latest')).toEqual({ kind: 'tag', tag: 'latest' as never })
    expect(parseReference(`sha256:${hex64}`)).toEqual({ kind: 'digest', digest: `sha256:${hex64}` as never })
    expect(parseReference(`sha256-${hex64}`)).toEqual({ kind: 'tag', tag: `sha256-${hex64}` as never })
  })

  test.each(['', 'sha256:', 'sha256:baddigeststring', 'a:b', 'latest@sha256'])('refuses %j', text => {
    expect(parseReference(text)).toBeUndefined()
  })
})

test('splitRepositoryPath cuts at the first slash', () => {
  const split = (text: string) => splitRepositoryPath(text as RepositoryPath)
  expect(split('group/app')).toEqual({ organization: 'group', repository: 'app' })
  expect(split('group/app/part')).toEqual({ organization: 'group', repository: 'app/part' })
  expect(split('app')).toBeUndefined()
})

test('isReservedComponent keeps the first components of other surfaces', () => {
  expect(['manage', '_catalog', '_oci', '_'].every(isReservedComponent)).toBe(true)
  expect(['manager', 'a_', 'management', 'v2'].some(isReservedComponent)).toBe(false)
})

test('names of a megabyte are refused at once', () => {
  const attacks = ['a', 'a-', 'a_', 'a/', '-', '__', 'a.b', '/'].map(piece => piece.repeat(1_000_000 / piece.length))
  const before = process.cpuUsage()
  for (const text of attacks) {
    for (const parse of [parseRepositoryPath, parseTag, parseReference]) {
      expect(parse(text)).toBeUndefined()
      expect(parse(`${text}!`)).toBeUndefined()
    }
  }
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(1000)
})
