import { expect, test } from 'bun:test'
import { canonicalQuery, legacyCanonicalQuery, legacyQueryAsBody } from './canonical-query.ts'

test.each([
  { query: '', now: '', legacy: '', asBody: '' },
  { query: '&&', now: '', legacy: '', asBody: '' },
  { query: 'a', now: 'a=', legacy: 'a=', asBody: 'a=' },
  { query: 'b=1&a=2', now: 'a=2&b=1', legacy: 'a=2&b=1', asBody: 'a=2&b=1' },
  { query: 'b=1&A=2&C=3', now: 'A=2&C=3&b=1', legacy: 'A=2&b=1&C=3', asBody: 'A=2&C=3&b=1' },
  { query: 'n=z&n=a&l=1', now: 'l=1&n=a&n=z', legacy: 'l=1&n=z', asBody: 'l=1&n=z&n=a' },
  { query: 'a=x+y&b=x%20y', now: 'a=x%20y&b=x%20y', legacy: 'a=x%20y&b=x%20y', asBody: 'a=x+y&b=x+y' },
  {
    query: 'f=k::v|l::w',
    now: 'f=k%3A%3Av%7Cl%3A%3Aw',
    legacy: 'f=k%3A%3Av%7Cl%3A%3Aw',
    asBody: 'f=k%3A%3Av%7Cl%3A%3Aw',
  },
  { query: "a=*'()", now: 'a=%2A%27%28%29', legacy: 'a=%2A%27%28%29', asBody: 'a=%2A%27%28%29' },
  { query: 'a=b=c', now: 'a=b%3Dc', legacy: 'a=b%3Dc', asBody: 'a=b%3Dc' },
  { query: 'a=%c3%a9', now: 'a=%C3%A9', legacy: 'a=%C3%A9', asBody: 'a=%C3%A9' },
  { query: '=v', now: '=v', legacy: '=v', asBody: '=v' },
])('$query', ({ query, now, legacy, asBody }) => {
  expect(canonicalQuery(query)).toBe(now)
  expect(legacyCanonicalQuery(query)).toBe(legacy)
  expect(legacyQueryAsBody(query)).toBe(asBody)
})
