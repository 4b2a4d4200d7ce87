import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { digestOf } from './digest.ts'
import { endpointMethods, parseRoute, type Route } from './routes.ts'

const digest = digestOf('sha256', new Uint8Array())
const sha512 = digestOf('sha512', new Uint8Array())
const byTag = (tag: string) => ({ kind: 'tag', tag })
const byDigest = { kind: 'digest', digest }

const expectRoute = (method: string, pathname: string, expected: Record<string, unknown>) =>
  expect<unknown>(parseRoute(method, pathname)).toEqual(expected)

describe('endpoints', () => {
  test.each<[string, string, Record<string, unknown>]>([
    ['GET', '/v2/', { kind: 'base' }],
    ['GET', '/v2/_catalog', { kind: 'catalog' }],
    ['GET', '/v2/_oci/ext/discover', { kind: 'extensions' }],
    ['GET', '/v2/g/a/manifests/latest', { kind: 'manifest', name: 'g/a', reference: byTag('latest') }],
    ['PUT', '/v2/a/manifests/1.0', { kind: 'manifest', name: 'a', reference: byTag('1.0') }],
    ['DELETE', `/v2/g/a/manifests/${digest}`, { kind: 'manifest', name: 'g/a', reference: byDigest }],
    ['HEAD', `/v2/g/a/blobs/${sha512}`, { kind: 'blob', name: 'g/a', digest: sha512 }],
    ['POST', '/v2/g/a/blobs/uploads/', { kind: 'upload-start', name: 'g/a' }],
    ['POST', '/v2/g/a/blobs/uploads', { kind: 'upload-start', name: 'g/a' }],
    ['PATCH', '/v2/g/a/blobs/uploads/Ab-_9', { kind: 'upload', name: 'g/a', uploadId: 'Ab-_9' }],
    [
      'PUT',
      '/v2/g/a/blobs/uploads/Ab-_9&digest=sha256%3Aab&x=1',
      { kind: 'upload', name: 'g/a', uploadId: 'Ab-_9', appended: 'digest=sha256%3Aab&x=1' },
    ],
    ['PUT', '/v2/g/a/blobs/uploads/x&', { kind: 'upload', name: 'g/a', uploadId: 'x', appended: '' }],
    ['GET', '/v2/g/a/tags/list', { kind: 'tags', name: 'g/a' }],
    ['GET', `/v2/g/a/referrers/${digest}`, { kind: 'referrers', name: 'g/a', digest }],
  ])('%s %s', (method, pathname, expected) => {
    expectRoute(method, pathname, { ...expected, method })
  })

  test.each(['%3A', '%3a'])('the colon of a digest may come as %s', colon => {
    const encoded = digest.replace(':', colon)
    expectRoute('GET', `/v2/a/manifests/${encoded}`, {
      kind: 'manifest',
      method: 'GET',
      name: 'a',
      reference: byDigest,
    })
    expectRoute('GET', `/v2/a/blobs/${encoded}`, { kind: 'blob', method: 'GET', name: 'a', digest })
    expectRoute('GET', `/v2/a/referrers/${encoded}`, { kind: 'referrers', method: 'GET', name: 'a', digest })
  })
})

describe('names that hold the words of endpoints', () => {
  test.each<[string, string, Record<string, unknown>]>([
    [
      'GET',
      '/v2/a/blobs/uploads/manifests/latest',
      { kind: 'manifest', name: 'a/blobs/uploads', reference: byTag('latest') },
    ],
    ['GET', '/v2/a/tags/list/manifests/list', { kind: 'manifest', name: 'a/tags/list', reference: byTag('list') }],
    [
      'GET',
      '/v2/manifests/manifests/manifests',
      { kind: 'manifest', name: 'manifests', reference: byTag('manifests') },
    ],
    ['GET', '/v2/a/manifests/tags/list', { kind: 'tags', name: 'a/manifests' }],
    ['GET', '/v2/tags/list/tags/list', { kind: 'tags', name: 'tags/list' }],
    ['GET', '/v2/tags/tags/list', { kind: 'tags', name: 'tags' }],
    ['GET', '/v2/a/blobs/manifests/uploads', { kind: 'manifest', name: 'a/blobs', reference: byTag('uploads') }],
    ['POST', '/v2/blobs/blobs/uploads/', { kind: 'upload-start', name: 'blobs' }],
    ['POST', '/v2/a/blobs/uploads/blobs/uploads/', { kind: 'upload-start', name: 'a/blobs/uploads' }],
    ['PUT', '/v2/a/manifests/blobs/uploads/x', { kind: 'upload', name: 'a/manifests', uploadId: 'x' }],
    ['PUT', '/v2/a/blobs/uploads/manifests', { kind: 'upload', name: 'a', uploadId: 'manifests' }],
    ['PUT', '/v2/a/blobs/uploads/uploads', { kind: 'upload', name: 'a', uploadId: 'uploads' }],
    ['GET', `/v2/a/blobs/uploads/blobs/${digest}`, { kind: 'blob', name: 'a/blobs/uploads', digest }],
    ['GET', `/v2/a/referrers/referrers/${digest}`, { kind: 'referrers', name: 'a/referrers', digest }],
  ])('%s %s', (method, pathname, expected) => {
    expectRoute(method, pathname, { ...expected, method })
  })
})

describe('paths that are not of OCI', () => {
  test.each([
    '',
    '/',
    '/v2',
    '/v1/a/tags/list',
    '/V2/',
    '//v2/',
    '/v2/_catalog/',
    '/v2/%5fcatalog',
    '/v2/_CATALOG',
    '/v2/_oci/ext',
    '/v2/_x/a/manifests/latest',
    '/v2/manage',
    '/v2/manage/',
    '/v2/manage/namespaces/a/repos',
    '/v2/manage/a/manifests/latest',
    '/v2/manage/tags/list',
    '/v2/a',
    '/v2/a/',
    '/v2/a/b/c',
    '/v2/tags/list',
    '/v2/manifests/latest',
    '/v2/blobs/uploads',
    '/v2/blobs/uploads/',
    '/v2/blobs/uploads/x',
    '/v2/a/tags',
    '/v2/a/tags/list/',
    '/v2/a/tags/lists',
    '/v2/a/uploads/x',
    '/v2/a/xblobs/uploads/x',
    '/v2/a/manifests',
    '/v2/a/manifests/latest/',
    '/v2/a/blobs/uploads/x/',
    '/v2/a/Manifests/latest',
    '/v2/a/%6danifests/latest',
  ])('%s', pathname => {
    expectRoute('GET', pathname, { kind: 'none' })
  })
})

describe('parts that break their grammar', () => {
  test.each([
    ['/v2/A/tags/list', 'NAME_INVALID'],
    ['/v2//tags/list', 'NAME_INVALID'],
    ['/v2/a//b/tags/list', 'NAME_INVALID'],
    ['/v2/a/b//tags/list', 'NAME_INVALID'],
    ['/v2/a/../b/tags/list', 'NAME_INVALID'],
    ['/v2/a%2fb/tags/list', 'NAME_INVALID'],
    ['/v2/a%2Fb/manifests/latest', 'NAME_INVALID'],
    ['/v2/%6danage/a/manifests/latest', 'NAME_INVALID'],
    ['/v2/%61/manifests/latest', 'NAME_INVALID'],
    ['/v2/a%3Ab/manifests/latest', 'NAME_INVALID'],
    ['/v2/a/_b/manifests/latest', 'NAME_INVALID'],
    [`/v2/${'a/'.repeat(128)}tags/list`, undefined],
    [`/v2/${'a/'.repeat(129)}tags/list`, 'NAME_INVALID'],
    ['/v2/a/manifests/', 'TAG_INVALID'],
    ['/v2/a/manifests/.bad', 'TAG_INVALID'],
    ['/v2/a/manifests/a%20b', 'TAG_INVALID'],
    ['/v2/a/manifests/a%2fb', 'TAG_INVALID'],
    [`/v2/a/manifests/${'x'.repeat(129)}`, 'TAG_INVALID'],
    ['/v2/a/manifests/sha256:baddigeststring', 'DIGEST_INVALID'],
    [`/v2/a/manifests/${digest.replace(':', '%253A')}`, 'TAG_INVALID'],
    ['/v2/a/blobs/', 'DIGEST_INVALID'],
    ['/v2/a/blobs/latest', 'DIGEST_INVALID'],
    [`/v2/a/blobs/${digest.toUpperCase()}`, 'DIGEST_INVALID'],
    ['/v2/a/referrers/latest', 'DIGEST_INVALID'],
    ['/v2/a/blobs/uploads/a.b', 'BLOB_UPLOAD_UNKNOWN'],
    ['/v2/a/blobs/uploads/&digest=x', 'BLOB_UPLOAD_UNKNOWN'],
    ['/v2/a/blobs/uploads/%2e%2e', 'BLOB_UPLOAD_UNKNOWN'],
    [`/v2/a/blobs/uploads/${'x'.repeat(129)}`, 'BLOB_UPLOAD_UNKNOWN'],
  ])('%s is %s', (pathname, code) => {
    const route = parseRoute('GET', pathname)
    expect<unknown>(route.kind === 'invalid' ? route.code : undefined).toBe(code)
  })
})

describe('methods', () => {
  test.each([
    ['POST', '/v2/', ['GET', 'HEAD']],
    ['DELETE', '/v2/_catalog', ['GET', 'HEAD']],
    ['PUT', '/v2/_oci/ext/discover', ['GET', 'HEAD']],
    ['PATCH', '/v2/a/manifests/latest', ['GET', 'HEAD', 'PUT', 'DELETE']],
    ['PUT', `/v2/a/blobs/${digest}`, ['GET', 'HEAD', 'DELETE']],
    ['GET', '/v2/a/blobs/uploads/', ['POST']],
    ['DELETE', '/v2/a/blobs/uploads', ['POST']],
    ['POST', '/v2/a/blobs/uploads/x', ['GET', 'HEAD', 'PATCH', 'PUT', 'DELETE']],
    ['PUT', '/v2/a/tags/list', ['GET', 'HEAD']],
    ['DELETE', `/v2/a/referrers/${digest}`, ['GET', 'HEAD']],
    ['get', '/v2/a/tags/list', ['GET', 'HEAD']],
    ['', '/v2/', ['GET', 'HEAD']],
    ['constructor', '/v2/', ['GET', 'HEAD']],
  ])('%s %s allows %j', (method, pathname, allow) => {
    expectRoute(method, pathname, { kind: 'method-not-allowed', allow })
  })

  test('every endpoint takes each of its methods', () => {
    const paths = {
      base: '/v2/',
      catalog: '/v2/_catalog',
      extensions: '/v2/_oci/ext/discover',
      manifest: '/v2/a/manifests/b',
      blob: `/v2/a/blobs/${digest}`,
      'upload-start': '/v2/a/blobs/uploads/',
      upload: '/v2/a/blobs/uploads/x',
      tags: '/v2/a/tags/list',
      referrers: `/v2/a/referrers/${digest}`,
    } as const satisfies Record<keyof typeof endpointMethods, string>
    for (const kind of Object.keys(paths) as (keyof typeof paths)[]) {
      for (const method of endpointMethods[kind]) {
        expect<unknown>(parseRoute(method, paths[kind])).toMatchObject({ kind, method })
      }
    }
  })
})

describe('laws', () => {
  const component = fc.constantFrom('a', 'b1', 'manifests', 'blobs', 'uploads', 'tags', 'list', 'referrers', 'x__y')
  const name = fc.array(component, { minLength: 1, maxLength: 6 }).map(parts => parts.join('/'))

  test('whatever the name, each endpoint is found and gives the name back', () => {
    fc.assert(
      fc.property(name, fc.constantFrom('latest', 'list', 'uploads', 'blobs', 'manifests'), (text, word) => {
        const found = (method: string, tail: string): Route => parseRoute(method, `/v2/${text}/${tail}`)
        expect<unknown>(found('GET', `manifests/${word}`)).toMatchObject({
          kind: 'manifest',
          name: text,
          reference: byTag(word),
        })
        expect<unknown>(found('GET', `blobs/${digest}`)).toMatchObject({ kind: 'blob', name: text, digest })
        expect<unknown>(found('POST', 'blobs/uploads/')).toMatchObject({ kind: 'upload-start', name: text })
        expect<unknown>(found('PUT', `blobs/uploads/${word}`)).toMatchObject({
          kind: 'upload',
          name: text,
          uploadId: word,
        })
        expect<unknown>(found('GET', 'tags/list')).toMatchObject({ kind: 'tags', name: text })
        expect<unknown>(found('GET', `referrers/${digest}`)).toMatchObject({ kind: 'referrers', name: text, digest })
      }),
    )
  })

  test('it is total, and no name comes out that is reserved or holds an escape', () => {
    const segment = fc.oneof(component, fc.constantFrom('', '..', '%2f', '%', '_x', 'manage', digest), fc.string())
    fc.assert(
      fc.property(fc.constantFrom('GET', 'POST', 'PUT'), fc.array(segment), (method, segments) => {
        const route = parseRoute(method, `/v2/${segments.join('/')}`)
        if ('name' in route) expect(route.name).not.toMatch(/^manage\/|^_|%|\.\.|\/\//)
      }),
      { numRuns: 500 },
    )
  })

  test('paths of a megabyte are answered at once', () => {
    const before = process.cpuUsage()
    for (const piece of ['a', '/', 'a/', '-', 'a-', 'a_', '%3A', 'blobs/uploads/', '/manifests/', '%2f']) {
      const long = piece.repeat(1_000_000 / piece.length)
      for (const pathname of [
        `/v2/${long}`,
        `/v2/${long}/tags/list`,
        `/v2/a/manifests/${long}`,
        `/v2/a/blobs/uploads/${long}`,
      ]) {
        expect(['none', 'invalid', 'method-not-allowed']).toContain(parseRoute('GET', pathname).kind)
      }
    }
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(2000)
  })
})
