import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { digestOf } from './digest.ts'
import { holdPreconditions, matchesWeakly, parseEntityTags, readPreconditions } from './entity-tags.ts'

const digest = digestOf('sha256', new TextEncoder().encode('current'))
const other = digestOf('sha256', new TextEncoder().encode('another'))

describe('If-None-Match of a read', () => {
  test.each<[string | null, boolean]>([
    [null, false],
    ['', false],
    [',', false],
    ['*', true],
    [' * ', true],
    ['"*"', false],
    [`"${digest}"`, true],
    [`W/"${digest}"`, true],
    [digest, true],
    [`"${other}"`, false],
    [`"${other}", W/"${digest}"`, true],
    [`"${other}","${other}"`, false],
    [`"a, ${digest}, b"`, false],
    [`w/"${digest}"`, true],
    [`"${digest}`, true],
    [`"x${digest}"`, false],
  ])('%j matches: %p', (header, expected) => {
    expect(matchesWeakly(parseEntityTags(header) ?? [], digest)).toBe(expected)
  })
})

describe('a change', () => {
  const current = { here: digest, gone: undefined }
  test.each<[Record<string, string>, keyof typeof current, string]>([
    [{}, 'here', 'hold'],
    [{}, 'gone', 'hold'],
    [{ 'if-match': '*' }, 'here', 'hold'],
    [{ 'if-match': '*' }, 'gone', 'if-match'],
    [{ 'if-match': `"${digest}"` }, 'here', 'hold'],
    [{ 'if-match': `"${digest}"` }, 'gone', 'if-match'],
    [{ 'if-match': `"${other}", "${digest}"` }, 'here', 'hold'],
    [{ 'if-match': `"${other}"` }, 'here', 'if-match'],
    [{ 'if-match': `W/"${digest}"` }, 'here', 'if-match'],
    [{ 'if-match': '' }, 'here', 'if-match'],
    [{ 'if-none-match': '*' }, 'gone', 'hold'],
    [{ 'if-none-match': '*' }, 'here', 'if-none-match'],
    [{ 'if-none-match': `"${digest}"` }, 'here', 'if-none-match'],
    [{ 'if-none-match': `W/"${digest}"` }, 'here', 'if-none-match'],
    [{ 'if-none-match': `"${other}"` }, 'here', 'hold'],
    [{ 'if-match': `"${digest}"`, 'if-none-match': '*' }, 'here', 'if-none-match'],
    [{ 'if-match': `"${other}"`, 'if-none-match': `"${other}"` }, 'here', 'if-match'],
  ])('with %j of what is %s: %s', (headers, what, expected) => {
    expect(holdPreconditions(readPreconditions(new Headers(headers)), current[what])).toBe(expected as 'hold')
  })
})

test('is total and quick on a megabyte', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'W/"*, sha256:0a') }), header => {
      expect(typeof matchesWeakly(parseEntityTags(header) ?? [], digest)).toBe('boolean')
    }),
  )
  const before = process.cpuUsage()
  for (const piece of ['"', 'W/', ',', 'W/"', '""', 'x']) parseEntityTags(piece.repeat(1_000_000 / piece.length))
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(2000)
})
