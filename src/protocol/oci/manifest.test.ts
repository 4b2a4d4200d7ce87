import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { digestOf } from './digest.ts'
import { maxManifestDescriptors, parseManifest } from './manifest.ts'
import { ManifestError } from './manifest-error.ts'
import { manifestKind, mediaTypes } from './media-types.ts'

const { ociImage, ociIndex, ociArtifact, dockerImage, dockerList, ociConfig, ociLayerGzip } = mediaTypes

const descriptor = (mediaType: string, content = mediaType) => {
  const bytes = new TextEncoder().encode(content)
  return { mediaType, digest: digestOf('sha256', bytes), size: bytes.length }
}

const config = descriptor(ociConfig)
const layer = descriptor(ociLayerGzip)
const child = descriptor(ociImage)
const image = { schemaVersion: 2, mediaType: ociImage, config, layers: [layer] }
const index = { schemaVersion: 2, mediaType: ociIndex, manifests: [child] }
const artifact = { mediaType: ociArtifact, artifactType: 'application/x', blobs: [layer] }

const parseText = (text: string, contentType?: string) => parseManifest(new TextEncoder().encode(text), contentType)
const parse = (document: unknown, contentType?: string) => parseText(JSON.stringify(document), contentType)

describe('parseManifest reads', () => {
  test('an image', () => {
    const parsed = parse({ ...image, subject: child, annotations: { a: 'b' } }, ociImage)
    expect<unknown>(JSON.parse(JSON.stringify(parsed))).toEqual({
      mediaType: ociImage,
      kind: 'image',
      artifactType: ociConfig,
      config: { mediaType: ociConfig, digest: config.digest, sizeBytes: config.size },
      layers: [{ mediaType: ociLayerGzip, digest: layer.digest, sizeBytes: layer.size }],
      children: [],
      subject: { mediaType: ociImage, digest: child.digest, sizeBytes: child.size },
      annotations: { a: 'b' },
    })
  })

  test('an index', () => {
    const platform = { architecture: 'amd64', os: 'linux' }
    const parsed = parse({ ...index, manifests: [{ ...child, platform }] }, ociIndex)
    expect<unknown>(parsed).toEqual({
      mediaType: ociIndex,
      kind: 'index',
      layers: [],
      children: [{ mediaType: ociImage, digest: child.digest, sizeBytes: child.size, platform }],
    })
  })

  test('an OCI artifact manifest, its blobs as layers', () => {
    const parsed = parse({ ...artifact, subject: child }, ociArtifact)
    expect(parsed.kind).toBe('image')
    expect(parsed.artifactType).toBe('application/x')
    expect(parsed.layers.map(blob => blob.digest)).toEqual([layer.digest])
    expect(parsed.config).toBeUndefined()
    expect(parsed.subject?.digest).toBe(child.digest)
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['Docker image', { ...image, mediaType: dockerImage }, 'image'],
    ['Docker list', { ...index, mediaType: dockerList }, 'index'],
    ['Docker list of OCI images', { ...index, mediaType: dockerList, manifests: [child] }, 'index'],
    ['OCI index of Docker images', { ...index, manifests: [descriptor(dockerImage)] }, 'index'],
    ['index of indexes', { ...index, manifests: [descriptor(ociIndex)] }, 'index'],
    ['index of layers, as buildkit writes for caches', { ...index, manifests: [layer, config] }, 'index'],
    ['index of nothing', { ...index, manifests: [] }, 'index'],
    ['index with null for its list', { ...index, manifests: null }, 'index'],
    ['image without layers', { ...image, layers: [] }, 'image'],
    ['image with null for its layers', { ...image, layers: null }, 'image'],
    ['image that does not mention layers', { schemaVersion: 2, mediaType: ociImage, config }, 'image'],
    ['image with one layer twice', { ...image, layers: [layer, layer] }, 'image'],
    [
      'image with nulls for all that may be absent',
      { ...image, subject: null, annotations: null, manifests: null },
      'image',
    ],
    ['image with fields of its own', { ...image, 'org.x': { a: [1.5] }, size: 1.5, platform: 'x', data: 1 }, 'image'],
    ['image with any config', { ...image, config: descriptor('application/vnd.cncf.helm.config.v1+json') }, 'image'],
  ])('%s', (_what, document, kind) => {
    expect<string>(parse(document).kind).toBe(kind)
  })
})

describe('the media type', () => {
  test.each<[string, string | undefined, string | undefined, string]>([
    ['of the header and the document', ociImage, ociImage, ociImage],
    ['of the document when there is no header', ociImage, undefined, ociImage],
    ['of the document when the header is empty', ociImage, ' ', ociImage],
    ['of the header when the document has none', undefined, ociImage, ociImage],
    [
      'of the header without parameters, in lower case',
      undefined,
      `${ociImage.toUpperCase()}; charset=utf-8`,
      ociImage,
    ],
    ['of a Docker header when the document has none', undefined, dockerImage, dockerImage],
    ['of the header when the document has an empty one', '', ociImage, ociImage],
  ])('is that %s', (_what, mediaType, contentType, expected) => {
    expect(parse({ ...image, mediaType }, contentType).mediaType).toBe(expected)
  })
})

describe('the artifact type', () => {
  test.each<[string, Record<string, unknown>, string | undefined]>([
    ['an image is its own', { ...image, artifactType: 'application/x' }, 'application/x'],
    ["an image without one is its config's media type", image, ociConfig],
    ["an image with an empty one is its config's media type", { ...image, artifactType: '' }, ociConfig],
    ['an index is its own', { ...index, artifactType: 'application/x' }, 'application/x'],
    ['an index without one is left out', index, undefined],
    ['an artifact manifest is its own', artifact, 'application/x'],
  ])('of %s', (_what, document, expected) => {
    const parsed = parse(document)
    expect(parsed.artifactType).toBe(expected)
    expect('artifactType' in parsed).toBe(expected !== undefined)
  })
})

describe('parseManifest refuses', () => {
  const typeless = { ...image, mediaType: undefined }
  const schema1 = { schemaVersion: 1, name: 'a', tag: 'b', fsLayers: [], history: [] }
  const huge = { ...layer, size: Number.MAX_SAFE_INTEGER - config.size }
  const fanOut = (length: number) => Array.from({ length }, () => layer)

  test.each<[string, unknown, string | undefined, string]>([
    ['a header that differs from the document', image, ociIndex, 'differs'],
    ['an OCI header on a Docker document', { ...image, mediaType: dockerImage }, ociImage, 'differs'],
    ['application/json on a typed document', image, 'application/json', 'differs'],
    ['no type at all', typeless, undefined, 'Neither'],
    ['an unknown type in the header', typeless, 'application/json', 'application/json'],
    ['an unknown type in the document', { ...image, mediaType: 'a/b' }, undefined, 'a/b'],
    ['a layer type', { ...image, mediaType: ociLayerGzip }, undefined, 'tar+gzip'],
    ['a type that is a number', { ...image, mediaType: 2 }, ociImage, 'mediaType'],
    ['a type named like an object property', { ...image, mediaType: '__proto__' }, undefined, '__proto__'],
    ['schema 1', schema1, mediaTypes.dockerSchema1, 'schema 1'],
    ['signed schema 1', schema1, mediaTypes.dockerSchema1Signed, 'schema 1'],
    ['schema 1 as application/json', schema1, 'application/json', 'schema 1'],
    ['schema 1 without a header', schema1, undefined, 'schema 1'],
    ['no schemaVersion', { ...image, schemaVersion: undefined }, ociImage, 'schemaVersion'],
    ['schemaVersion 3', { ...image, schemaVersion: 3 }, ociImage, 'schemaVersion'],
    ['schemaVersion "2"', { ...image, schemaVersion: '2' }, ociImage, 'schemaVersion'],
    ['schemaVersion 3 on an artifact', { ...artifact, schemaVersion: 3 }, ociArtifact, 'schemaVersion'],
    ['an image with manifests', { ...image, manifests: [child] }, ociImage, '"manifests"'],
    ['an image with an empty list of manifests', { ...image, manifests: [] }, ociImage, '"manifests"'],
    ['an index with layers', { ...index, layers: [layer] }, ociIndex, '"layers"'],
    ['an index with an empty list of layers', { ...index, layers: [] }, ociIndex, '"layers"'],
    ['an index with a config', { ...index, config }, ociIndex, '"config"'],
    ['a Docker list with layers', { ...index, mediaType: dockerList, layers: [] }, undefined, '"layers"'],
    ['a hybrid without a type of its own, as image', { ...typeless, manifests: [child] }, ociImage, '"manifests"'],
    ['a hybrid without a type of its own, as index', { ...typeless, manifests: [child] }, ociIndex, '"config"'],
    ['a hybrid in another case', { ...image, Manifests: [child] }, ociImage, '"manifests"'],
    ['an image with schema 1 layers', { ...image, fsLayers: [] }, ociImage, '"fsLayers"'],
    ['an artifact with layers', { ...artifact, layers: [] }, ociArtifact, '"layers"'],
    ['an artifact with manifests', { ...artifact, manifests: [] }, ociArtifact, '"manifests"'],
    ['an image without config', { ...image, config: undefined }, ociImage, 'no config'],
    ['an image with a list for config', { ...image, config: [config] }, ociImage, 'config is not'],
    ['layers that are an object', { ...image, layers: { length: 1 } }, ociImage, 'not a list'],
    ['manifests that are a string', { ...index, manifests: 'x' }, ociIndex, 'not a list'],
    ['a layer that is null', { ...image, layers: [layer, null] }, ociImage, 'layers[1]'],
    ['a child without size', { ...index, manifests: [{ ...child, size: undefined }] }, ociIndex, 'manifests[0]'],
    ['a bad blob of an artifact', { ...artifact, blobs: [{}] }, ociArtifact, 'blobs[0]'],
    ['a bad subject', { ...image, subject: { ...child, digest: 'x' } }, ociImage, 'subject'],
    ['embedded data that lies', { ...image, config: { ...config, data: 'e30=' } }, ociImage, 'data of config'],
    ['an artifactType that is a list', { ...image, artifactType: ['a'] }, ociImage, 'artifactType'],
    ['annotations that are no strings', { ...index, annotations: { a: {} } }, ociIndex, 'annotation'],
    ['too many layers', { ...image, layers: fanOut(maxManifestDescriptors + 1) }, ociImage, 'more than'],
    ['layers too large together', { ...image, layers: [huge, { ...layer, size: 1 }] }, ociImage, 'add up to more'],
    ['too many children', { ...index, manifests: fanOut(maxManifestDescriptors + 1) }, ociIndex, 'more than'],
  ])('%s', (_what, document, contentType, reason) => {
    const attempt = () => parse(document, contentType)
    expect(attempt).toThrow(ManifestError)
    expect(attempt).toThrow(reason)
  })

  test.each<[string, string, string]>([
    ['a key twice at the top', JSON.stringify(image).replace('{', '{"layers":[],'), '"layers" twice'],
    ['a key twice in a descriptor', JSON.stringify(image).replace('"size"', '"size":1,"size"'), '"size" twice'],
    [
      'a size past 2^53 that would be rounded',
      JSON.stringify(image).replace(/"size":\d+/, '"size":9007199254740993'),
      'size',
    ],
    [
      'a size that would be rounded to a whole one',
      JSON.stringify(image).replace(/"size":\d+/, '"size":1.00000000000000000001'),
      'size',
    ],
    ['a size with an exponent', JSON.stringify(image).replace(/"size":\d+/, '"size":1e2'), 'size'],
    ['what is no JSON', 'schemaVersion: 2', 'not valid JSON'],
    ['nothing', '', 'not valid JSON'],
  ])('%s', (_what, text, reason) => {
    expect(() => parseText(text, ociImage)).toThrow(ManifestError)
    expect(() => parseText(text, ociImage)).toThrow(reason)
  })

  test('sizes that add up to 2^53 - 1 pass', () => {
    expect(parse({ ...image, layers: [huge] }).layers).toHaveLength(1)
  })

  test('as many layers as allowed pass', () => {
    expect(parse({ ...image, layers: fanOut(maxManifestDescriptors) }).layers).toHaveLength(maxManifestDescriptors)
  })
})

test('keys named like object properties pollute nothing', () => {
  const text = JSON.stringify({ ...image, proto: { layers: [], subject: child }, annotations: { proto: 'x' } })
  const parsed = parseText(text.replaceAll('"proto"', '"__proto__"'), ociImage)
  expect(parsed.subject).toBeUndefined()
  expect(parsed.layers).toHaveLength(1)
  expect(Object.keys(parsed.annotations ?? {})).toEqual(['__proto__'])
  expect(Object.getPrototypeOf({})).toBe(Object.prototype)
  expect(({} as Record<string, unknown>).subject).toBeUndefined()
})

test('a manifest of 4 MiB of annotations is read', () => {
  const annotations = { a: 'x'.repeat(4_193_000) }
  expect(parse({ ...image, annotations }).annotations?.a).toHaveLength(4_193_000)
})

test('whatever comes, parseManifest gives a manifest of the right kind or throws a ManifestError', () => {
  const anyValue = fc.oneof(
    fc.constantFrom<unknown>(image, index, artifact, config, [layer], [child], ociImage, ociIndex, 2, [], {}, null),
    fc.jsonValue(),
  )
  const key = fc.constantFrom(
    ...Object.keys({ ...image, ...index, ...artifact, subject: 0, annotations: 0, fsLayers: 0, Layers: 0 }),
  )
  const mutant = fc
    .tuple(
      fc.constantFrom<Record<string, unknown>>(image, index, artifact, {}),
      fc.array(fc.tuple(key, anyValue), { maxLength: 3 }),
    )
    .map(([base, changes]) => JSON.stringify({ ...base, ...Object.fromEntries(changes) }))
  const cut = fc.tuple(mutant, fc.nat(400)).map(([text, length]) => text.slice(0, length))
  const flipped = fc.tuple(mutant, fc.nat(), fc.nat(255)).map(([text, position, byte]) => {
    const bytes = new TextEncoder().encode(text)
    bytes[position % Math.max(bytes.length, 1)] = byte
    return bytes
  })
  const bytes = fc.oneof(
    { weight: 4, arbitrary: mutant.map(text => new TextEncoder().encode(text)) },
    cut.map(text => new TextEncoder().encode(text)),
    flipped,
    fc.uint8Array(),
  )
  const contentType = fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(...Object.values(mediaTypes), 'application/json', '') },
  )
  // so that the laws below are known to have been asked of something
  let accepted = 0
  fc.assert(
    fc.property(bytes, contentType, (body, header) => {
      try {
        const parsed = parseManifest(body, header)
        accepted++
        expect(manifestKind(parsed.mediaType)).toBe(parsed.kind)
        expect(parsed.kind === 'index' ? parsed.layers : parsed.children).toEqual([])
        expect(parsed.kind === 'index' && parsed.config !== undefined).toBe(false)
      } catch (error) {
        expect(error).toBeInstanceOf(ManifestError)
      }
    }),
    { numRuns: 2000 },
  )
  expect(accepted).toBeGreaterThan(20)
})
