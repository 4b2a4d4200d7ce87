import { expect, test } from 'bun:test'
import { parseAuthorization } from './authorization.ts'

const basic = (text: string) => Buffer.from(text).toString('base64')

test.each([
  [`Basic ${basic('user:pass')}`, { kind: 'basic', name: 'user', password: 'pass' }],
  [`basic   ${basic('user:pass')} `, { kind: 'basic', name: 'user', password: 'pass' }],
  [`Basic ${basic('a/b:p:a:s:s')}`, { kind: 'basic', name: 'a/b', password: 'p:a:s:s' }],
  [`Basic ${basic('jürgen:pässwörd')}`, { kind: 'basic', name: 'jürgen', password: 'pässwörd' }],
  [`Basic ${basic(':')}`, { kind: 'basic', name: '', password: '' }],
  ['Bearer a.b.c', { kind: 'bearer', token: 'a.b.c' }],
  ['BEARER a.b.c', { kind: 'bearer', token: 'a.b.c' }],
  [`Basic ${basic('no colon')}`, { kind: 'unreadable' }],
  [`Basic ${basic('nul\0:pass')}`, { kind: 'unreadable' }],
  [`Basic ${Buffer.of(0xff, 0x3a, 0x61).toString('base64')}`, { kind: 'unreadable' }],
  ['Basic ***', { kind: 'unreadable' }],
  ['Basic', { kind: 'unreadable' }],
  ['Bearer ', { kind: 'unreadable' }],
  ['', { kind: 'unreadable' }],
  [' ', { kind: 'unreadable' }],
  ['Negotiate abc', { kind: 'unreadable' }],
  ['SDK-HMAC-SHA256 Access=x', { kind: 'unreadable' }],
])('%j', (header, expected) => {
  expect(parseAuthorization(header)).toEqual(expected as ReturnType<typeof parseAuthorization>)
})
