import { expect, test } from 'bun:test'
import { basicChallenge, bearerChallenge, formatScope } from './challenge.ts'

const realm = 'https://registry.example/swr/auth/v2/registry/auth/'

test('the challenge to /v2/ has no scope', () => {
  expect(bearerChallenge({ realm, service: 'dockyard' })).toBe(`Bearer realm="${realm}",service="dockyard"`)
})

test('scope and error stand at the end', () => {
  const scope = `${formatScope('repository', 'g/a', ['pull', 'push'])} ${formatScope('repository', 'g/b', ['pull'])}`
  expect(bearerChallenge({ realm, service: 'dockyard', scope, error: 'insufficient_scope' })).toBe(
    `Bearer realm="${realm}",service="dockyard",scope="repository:g/a:pull,push repository:g/b:pull",error="insufficient_scope"`,
  )
})

test('no value can end its quotes or the header line', () => {
  expect(bearerChallenge({ realm: 'a"b\\c', service: 'x\r\nSet-Cookie: y\0é' })).toBe(
    'Bearer realm="a\\"b\\\\c",service="xSet-Cookie: y"',
  )
})

test('the basic challenge', () => {
  expect(basicChallenge('Stower "x"')).toBe('Basic realm="Stower \\"x\\""')
})
