import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { contentRange, parsePage } from './paging.ts'
import { parameterOf, readParameters } from './parameters.ts'

const keys = ['name', 'namespace', 'limit']

function read(query: string) {
  const parameters = readParameters(new URLSearchParams(query), keys)
  if (parameters.kind === 'invalid') return 'invalid'
  return Object.fromEntries(keys.map(key => [key, parameterOf(parameters, key)]).filter(([, value]) => value))
}

test.each([
  ['', {}],
  ['name=a', { name: 'a' }],
  ['name=a&name=b', { name: 'a' }],
  ['name=', {}],
  ['other=a', {}],
  ['filter=name::a|namespace::b', { name: 'a', namespace: 'b' }],
  ['filter=name%3A%3Aa%7Cnamespace%3A%3Ab', { name: 'a', namespace: 'b' }],
  ['filter=name::a::b', { name: 'a::b' }],
  ['filter=name::&name=plain', { name: 'plain' }],
  ['filter=name::filtered&name=plain', { name: 'filtered' }],
  ['filter=name::a|name::b', { name: 'a' }],
  ['filter=|name::a|', { name: 'a' }],
  ['filter=other::a', 'invalid'],
  ['filter=name', 'invalid'],
  ['filter=name:a', 'invalid'],
  ['filter=::a', 'invalid'],
  ['filter=__proto__::a', 'invalid'],
  ['filter=name::a%00', 'invalid'],
  ['name=%00', 'invalid'],
])('%s is read as %j', (query, expected) => {
  expect(read(query)).toEqual(expected)
})

test('whatever the query, reading it answers', () => {
  fc.assert(fc.property(fc.string(), query => void read(`filter=${query}`)))
})

test.each([
  [undefined, undefined, { kind: 'page', limit: 100, offset: 0 }],
  ['1', '0', { kind: 'page', limit: 1, offset: 0 }],
  ['1000', '7', { kind: 'page', limit: 1000, offset: 7 }],
  ['10', undefined, { kind: 'page', limit: 10, offset: 0 }],
])('limit %s and offset %s make a page', (limit, offset, page) => {
  expect(parsePage(limit, offset)).toEqual(page as ReturnType<typeof parsePage>)
})

test.each(['0', '1001', '-1', '+1', '1e2', '0x10', ' 1', '1 ', '', '1'.repeat(400)])('limit %p is none', limit => {
  expect(parsePage(limit, undefined).kind).toBe('invalid')
})

test('a range says offset, count and total', () => {
  expect(contentRange({ offset: 20, count: 10, total: 35 })).toBe('20-10/35')
})
