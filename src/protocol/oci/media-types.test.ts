import { expect, test } from 'bun:test'
import { essence, isNonDistributable, isSchema1, manifestKind, mediaTypes } from './media-types.ts'

test('manifestKind knows the five manifest types and no other', () => {
  const kinds = Object.values(mediaTypes).flatMap(type => {
    const kind = manifestKind(type)
    return kind === undefined ? [] : [[type, kind]]
  })
  expect(kinds).toEqual([
    ['application/vnd.oci.image.manifest.v1+json', 'image'],
    ['application/vnd.oci.image.index.v1+json', 'index'],
    ['application/vnd.oci.artifact.manifest.v1+json', 'image'],
    ['application/vnd.docker.distribution.manifest.v2+json', 'image'],
    ['application/vnd.docker.distribution.manifest.list.v2+json', 'index'],
  ])
  expect(manifestKind('application/json')).toBeUndefined()
  expect(manifestKind('constructor')).toBeUndefined()
})

test('isNonDistributable is true for the foreign layers of OCI and Docker', () => {
  expect(Object.values(mediaTypes).filter(isNonDistributable)).toEqual([
    'application/vnd.oci.image.layer.nondistributable.v1.tar',
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
    'application/vnd.docker.image.rootfs.foreign.diff.tar',
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  ])
})

test('isSchema1 is true for both forms of Docker schema 1', () => {
  expect(Object.values(mediaTypes).filter(isSchema1)).toEqual([
    'application/vnd.docker.distribution.manifest.v1+json',
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
  ])
})

test.each([
  ['application/json', 'application/json'],
  ['application/json; charset=utf-8', 'application/json'],
  [' Application/JSON ;x=";"', 'application/json'],
  [';', ''],
  ['', ''],
])('essence of %j is %j', (contentType, expected) => {
  expect(essence(contentType)).toBe(expected)
})
