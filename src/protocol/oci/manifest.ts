import {
  type Annotations,
  type Descriptor,
  parseAnnotationsField,
  parseDescriptor,
  parseMediaTypeField,
} from './descriptor.ts'
import { fieldOf, type JsonObject, readJsonObject, refuseMisspelledKeys } from './json.ts'
import { invalidManifest, quote } from './manifest-error.ts'
import { essence, isSchema1, type ManifestKind, manifestKind, mediaTypes } from './media-types.ts'

/** What the registry has to know of a manifest; the bytes themselves are stored and served as they came. */
export type ParsedManifest = {
  /** The type it is stored under and served with. */
  mediaType: string
  kind: ManifestKind
  /** By the rule of the referrers API: the document's artifactType, else the media type of an image's config. */
  artifactType?: string
  /** Every image has one, an index and an OCI artifact manifest have none. */
  config?: Descriptor
  /** Blobs of an image in the order of the document (of an OCI artifact manifest: its `blobs`); empty for an index. */
  layers: readonly Descriptor[]
  /**
   * Entries of an index in the order of the document; empty for an image. They may name blobs: buildkit writes caches
   * as indexes of layers. `manifestKind(child.mediaType)` tells which is which.
   */
  children: readonly Descriptor[]
  subject?: Descriptor
  annotations?: Annotations
}

/**
 * How many layers or children one document may have. A row is written for each, and large indexes in use have hundreds.
 */
export const maxManifestDescriptors = 10_000

/** Indexes of indexes: so many levels at most. Those in use have two. */
export const maxIndexDepth = 8

/**
 * How many descriptors an index and the indexes in it name, each counted as often as a client meets it that follows all of
 * them without remembering where it was.
 */
export const maxIndexReach = 10_000

/**
 * Reads a manifest as it was pushed. `contentType` is the header as it came, undefined when there was none; then the
 * document's own `mediaType` counts. Accepted are the image and index types of OCI and Docker schema 2, and the OCI
 * artifact manifest.
 *
 * Throws ManifestError and nothing else.
 * Nothing that two clients could read differently passes (CVE-2021-41190): the header and the document agree on the
 * type, no document is an image and an index at once, no key stands twice or in another case.
 */
export function parseManifest(bytes: Uint8Array, contentType: string | undefined): ParsedManifest {
  const document = readJsonObject(bytes)
  refuseMisspelledKeys(document, documentKeys, 'of the manifest')
  const { mediaType, kind } = resolveMediaType(document, contentType)
  checkSchemaVersion(document, mediaType)
  refuseForeignFields(document, mediaType, kind)
  const parts = kind === 'index' ? parseIndex(document) : parseImage(document, mediaType)
  checkSizeOfContent(parts)
  const manifest: ParsedManifest = { mediaType, kind, ...parts }
  const artifactType = parseMediaTypeField(document, 'artifactType', 'the manifest') ?? parts.config?.mediaType
  if (artifactType !== undefined) manifest.artifactType = artifactType
  const subject = fieldOf(document, 'subject')
  if (subject !== undefined) manifest.subject = parseDescriptor(subject, 'subject')
  const annotations = parseAnnotationsField(document, 'the manifest')
  if (annotations !== undefined) manifest.annotations = annotations
  return manifest
}

const documentKeys: ReadonlySet<string> = new Set([
  'schemaVersion',
  'mediaType',
  'artifactType',
  'config',
  'layers',
  'manifests',
  'blobs',
  'fsLayers',
  'subject',
  'annotations',
])

function resolveMediaType(
  document: JsonObject,
  contentType: string | undefined,
): { mediaType: string; kind: ManifestKind } {
  const declared = essence(contentType ?? '')
  const stated = parseMediaTypeField(document, 'mediaType', 'the manifest')
  if (isSchema1(declared) || isSchema1(stated ?? '') || fieldOf(document, 'schemaVersion') === 1) {
    throw invalidManifest(
      'Docker manifest schema 1 is not accepted; push with a client that writes schema 2 or OCI manifests.',
    )
  }
  if (declared !== '' && stated !== undefined && declared !== stated) {
    throw invalidManifest(`Content-Type ${quote(declared)} differs from the manifest's mediaType ${quote(stated)}.`)
  }
  const mediaType = stated ?? declared
  if (mediaType === '') throw invalidManifest('Neither Content-Type nor mediaType says what the manifest is.')
  const kind = manifestKind(mediaType)
  if (kind === undefined) {
    throw invalidManifest(`${quote(mediaType)} is not a media type of manifests.`)
  }
  return { mediaType, kind }
}

function checkSchemaVersion(document: JsonObject, mediaType: string): void {
  const version = fieldOf(document, 'schemaVersion')
  // the OCI artifact manifest was specified without this field
  if (version === undefined && mediaType === mediaTypes.ociArtifact) return
  if (version !== 2) throw invalidManifest('schemaVersion of the manifest is not 2.')
}

/**
 * Refuses the fields by which another reader would take the document for something else (image-spec manifest.md and
 * image-index.md; containerd refuses the same). Empty lists count too: whether they are harmless depends on the reader.
 */
function refuseForeignFields(document: JsonObject, mediaType: string, kind: ManifestKind): void {
  const foreign = foreignFields[mediaType === mediaTypes.ociArtifact ? 'artifact' : kind]
  const present = foreign.find(field => fieldOf(document, field) !== undefined)
  if (present !== undefined) throw invalidManifest(`A manifest of type ${mediaType} must not have "${present}".`)
}

const foreignFields: Record<ManifestKind | 'artifact', readonly string[]> = {
  image: ['manifests', 'fsLayers'],
  index: ['config', 'layers', 'fsLayers'],
  artifact: ['config', 'layers', 'manifests', 'fsLayers'],
}

type Parts = { config?: Descriptor; layers: readonly Descriptor[]; children: readonly Descriptor[] }

function parseIndex(document: JsonObject): Parts {
  return { layers: [], children: parseDescriptors(document, 'manifests') }
}

function parseImage(document: JsonObject, mediaType: string): Parts {
  if (mediaType === mediaTypes.ociArtifact) return { layers: parseDescriptors(document, 'blobs'), children: [] }
  const config = fieldOf(document, 'config')
  if (config === undefined) throw invalidManifest('The manifest has no config.')
  return {
    config: parseDescriptor(config, 'config'),
    layers: parseDescriptors(document, 'layers'),
    children: [],
  }
}

/** Config and layers of an image together are counted exactly, by us and by whoever pulls it. */
function checkSizeOfContent({ config, layers }: Parts): void {
  const sizeBytes = layers.reduce((sum, layer) => sum + layer.sizeBytes, config?.sizeBytes ?? 0)
  if (sizeBytes <= Number.MAX_SAFE_INTEGER) return
  throw invalidManifest(`The sizes of config and layers add up to more than ${Number.MAX_SAFE_INTEGER} bytes.`)
}

/** A list that is absent is empty: an image without layers is written both ways. */
function parseDescriptors(document: JsonObject, field: string): readonly Descriptor[] {
  const value = fieldOf(document, field) ?? []
  if (!Array.isArray(value)) throw invalidManifest(`${field} of the manifest is not a list.`)
  if (value.length > maxManifestDescriptors) {
    throw invalidManifest(`${field} of the manifest has more than ${maxManifestDescriptors} entries.`)
  }
  return value.map((entry, index) => parseDescriptor(entry, `${field}[${index}]`))
}
