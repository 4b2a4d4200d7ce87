import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { duration, listenAddress, networks, originUrls, path, size } from './value-kinds.ts'

describe('a listen address', () => {
  test.each([
    ['127.0.0.1:8080', { kind: 'tcp', host: '127.0.0.1', port: 8080 }],
    ['Registry.Example.com:0', { kind: 'tcp', host: 'registry.example.com', port: 0 }],
    ['[::1]:65535', { kind: 'tcp', host: '::1', port: 65535 }],
    ['unix:/run/stower.sock', { kind: 'unix', path: '/run/stower.sock' }],
    ['unix:stower.sock', { kind: 'unix', path: '/base/stower.sock' }],
  ] as const)('%s is understood', (text, expected) => {
    expect(listenAddress.parse(text, '/base')).toEqual(expected)
  })

  test.each([
    '8080',
    ':8080',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '::1:8080',
    '[1.2.3.4]:80',
    'unix:',
    'a b:80',
  ])('%s is refused', text => {
    expect(listenAddress.parse(text, '/base')).toBeUndefined()
  })
})

describe('external URLs', () => {
  test.each([
    ['https://Registry.Example.com', ['https://registry.example.com']],
    ['https://a.example:443/', ['https://a.example']],
    ['http://10.0.0.1:8080 , https://b.example', ['http://10.0.0.1:8080', 'https://b.example']],
    ['https://a.example,https://A.example/', ['https://a.example']],
    ['http://[::1]:8080', ['http://[::1]:8080']],
  ])('%s is understood', (text, expected) => {
    expect(originUrls.parse(text, '/')).toEqual(expected)
  })

  test.each([
    'registry.example.com',
    'ftp://a.example',
    'https://a.example/path',
    'https://a.example?x',
    'https://user@a.example',
    'https://a.example,',
    'https://',
    'https://a.example:99999',
  ])('%s is refused', text => {
    expect(originUrls.parse(text, '/')).toBeUndefined()
  })
})

test.each([
  ['10.0.0.7, 192.168.0.0/16', ['10.0.0.7', '192.168.0.0/16']],
  ['FD00::/8', ['fd00::/8']],
  ['10.0.0.0/33', undefined],
  ['::/129', undefined],
  ['10.0.0.0/', undefined],
  ['10.0.0/8', undefined],
  ['proxy.example', undefined],
])('trusted proxies %s', (text, expected) => {
  expect(networks.parse(text, '/')).toEqual(expected)
})

test.each([
  ['24h', 86_400_000],
  ['500ms', 500],
  ['1.5h', 5_400_000],
  ['30 s', 30_000],
  ['0s', 0],
  ['30', undefined],
  ['30S', undefined],
  ['-1s', undefined],
  ['0.5ms', undefined],
  ['11d', undefined],
  ['1toString', undefined],
])('duration %s', (text, expected) => {
  expect(duration({ from: '0s', to: '10d' }).parse(text, '/')).toBe(expected)
})

test.each([
  ['4MiB', 4_194_304],
  ['1 MB', 1_000_000],
  ['1.5KiB', 1536],
  ['1024', undefined],
  ['2GiB', undefined],
  ['1mib', undefined],
])('size %s', (text, expected) => {
  expect(size({ from: '1B', to: '1GiB' }).parse(text, '/')).toBe(expected)
})

test('a relative path starts from the folder of its source', () => {
  expect(path.parse('data', '/srv/stower')).toBe('/srv/stower/data')
  expect(path.parse('/var/lib/stower', '/srv/stower')).toBe('/var/lib/stower')
})

test('what format writes, parse reads as the same value', () => {
  const hours = duration({ from: '0ms', to: '1000d' })
  const bytes = size({ from: '0B', to: '100GiB' })
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1000 * 86_400_000 }), ms => hours.parse(hours.format(ms), '/') === ms),
  )
  fc.assert(fc.property(fc.integer({ min: 0, max: 100 * 2 ** 30 }), n => bytes.parse(bytes.format(n), '/') === n))
  const tcp = fc.record({
    kind: fc.constant('tcp' as const),
    host: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()).map(host => host.toLowerCase()),
    port: fc.integer({ min: 0, max: 65535 }),
  })
  fc.assert(
    fc.property(tcp, address => {
      expect(listenAddress.parse(listenAddress.format(address), '/')).toEqual(address)
    }),
  )
})
