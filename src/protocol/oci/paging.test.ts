import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { nextLink, parsePage } from './paging.ts'

const limits = { defaultSize: 100, maxSize: 1000 }
const page = (query: string) => parsePage(new URLSearchParams(query), limits)

describe('parsePage', () => {
  test.each<[string, number, string | undefined]>([
    ['', 100, undefined],
    ['n=5', 5, undefined],
    ['n=0', 0, undefined],
    ['n=007', 7, undefined],
    ['n=1000', 1000, undefined],
    ['n=1001', 1000, undefined],
    ['n=2147483648', 1000, undefined],
    ['n=9223372036854775808', 1000, undefined],
    ['n=', 100, undefined],
    ['last=a', 100, 'a'],
    ['last=', 100, undefined],
    ['n=2&last=a%2Bb%25_', 2, 'a+b%_'],
    ['n=2&n=3', 2, undefined],
    ['N=3&x=y', 100, undefined],
  ])('%s', (query, size, last) => {
    expect(page(query)).toEqual({ kind: 'page', size, last })
  })

  test('caps a number of any length', () => {
    expect(page(`n=${'9'.repeat(100_000)}`)).toEqual({ kind: 'page', size: 1000, last: undefined })
  })

  test.each([
    'n=-1',
    'n=x',
    'n=1e3',
    'n=0x10',
    'n=1.5',
    'n=%2B5',
    'n=%205',
    'n=5%0A',
    'n=NaN',
    'n=Infinity',
    'n=٣',
    'last=%00',
  ])('refuses %s', query => {
    expect(page(query).kind).toBe('invalid')
  })
})

describe('nextLink', () => {
  test('encodes what has a meaning in URLs and headers', () => {
    expect(nextLink('/v2/g/a/tags/list', { n: 2, last: 'a+b&c>;"\r\n' })).toBe(
      '</v2/g/a/tags/list?n=2&last=a%2Bb%26c%3E%3B%22%0D%0A>; rel="next"',
    )
  })

  test('keeps the filter', () => {
    expect(nextLink('/v2/a/referrers/sha256:0', { last: 'x', extra: { artifactType: 'application/a+b' } })).toBe(
      '</v2/a/referrers/sha256:0?last=x&artifactType=application%2Fa%2Bb>; rel="next"',
    )
  })

  test('leaves escapes of the raw path as they are and lets nothing end the reference', () => {
    expect(nextLink('/v2/%3A/é😀<>"', { last: 'x' })).toBe('</v2/%3A/%C3%A9%F0%9F%98%80%3C%3E%22?last=x>; rel="next"')
  })

  test('a link reads back as the page that was meant', () => {
    fc.assert(
      fc.property(
        fc.nat(1000),
        fc.string({ unit: 'binary', minLength: 1 }),
        fc.string({ unit: 'binary' }),
        (n, last, type) => {
          fc.pre(!last.includes('\0') && last.isWellFormed() && type.isWellFormed())
          const link = nextLink('/v2/a/tags/list', { n, last, extra: { artifactType: type } })
          const target = /^<([^>]*)>; rel="next"$/.exec(link)?.[1] ?? ''
          const url = new URL(target, 'http://registry.example')
          expect(url.pathname).toBe('/v2/a/tags/list')
          expect(parsePage(url.searchParams, limits)).toEqual({ kind: 'page', size: n, last })
          expect(url.searchParams.get('artifactType')).toBe(type)
        },
      ),
    )
  })

  test('a lone surrogate does not throw', () => {
    expect(nextLink('/v2/a/tags/list', { last: '\ud800' })).toContain('last=%EF%BF%BD')
  })
})
