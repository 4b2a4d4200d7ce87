import { type Digest, digestAlgorithm, digestOf, parseDigest } from './digest.ts'
import { fieldOf, isJsonObject, type JsonObject, refuseMisspelledKeys } from './json.ts'
import { invalidManifest, quote } from './manifest-error.ts'

/** A reference from a manifest to content (image-spec descriptor.md). On the wire `sizeBytes` is `size`. */
export type Descriptor = {
  mediaType: string
  digest: Digest
  sizeBytes: number
  artifactType?: string
  annotations?: Annotations
  platform?: Platform
  /** Where else the content may be had. Passed on to clients; this server never fetches them. */
  urls?: readonly string[]
}

/**
 * Has no prototype, so that a key `__proto__` or `constructor` is a key like any other. Values may hold U+0000, which
 * PostgreSQL does not take as text: keep them as JSON.
 */
export type Annotations = Readonly<Record<string, string>>

/** Image-spec image-index.md, `platform`. An absent architecture or operating system is the empty text. */
export type Platform = {
  architecture: string
  os: string
  osVersion?: string
  osFeatures?: readonly string[]
  variant?: string
}

/** A media type travels in headers and rows: RFC 6838 section 4.2 allows 127 characters on either side of the slash. */
export const maxMediaTypeLength = 255

/**
 * Reads a descriptor; `where` names its place in error sentences (`layers[3]`). Embedded `data` is checked against digest
 * and size and then dropped: the content is stored as a blob like any other. Throws ManifestError.
 */
export function parseDescriptor(value: unknown, where: string): Descriptor {
  if (!isJsonObject(value)) throw invalidManifest(`${where} is not a JSON object.`)
  refuseMisspelledKeys(value, descriptorKeys, `in ${where}`)
  const mediaType = parseMediaTypeField(value, 'mediaType', where)
  if (mediaType === undefined) throw invalidManifest(`${where} has no mediaType.`)
  const digest = parseDigestField(value, where)
  const sizeBytes = parseSizeField(value, where)
  checkEmbeddedData(value, { digest, sizeBytes }, where)
  const descriptor: Descriptor = { mediaType, digest, sizeBytes }
  const artifactType = parseMediaTypeField(value, 'artifactType', where)
  if (artifactType !== undefined) descriptor.artifactType = artifactType
  const annotations = parseAnnotationsField(value, where)
  if (annotations !== undefined) descriptor.annotations = annotations
  const platform = parsePlatformField(value, where)
  if (platform !== undefined) descriptor.platform = platform
  const urls = parseTextListField(value, 'urls', where)
  if (urls !== undefined) descriptor.urls = urls
  return descriptor
}

/** The descriptor as it stands in JSON documents: `parseDescriptor(formatDescriptor(d))` equals `d`. */
export function formatDescriptor(descriptor: Descriptor): JsonObject {
  const { mediaType, digest, sizeBytes, artifactType, annotations, platform, urls } = descriptor
  return {
    mediaType,
    digest,
    size: sizeBytes,
    ...(urls !== undefined && { urls }),
    ...(annotations !== undefined && { annotations }),
    ...(artifactType !== undefined && { artifactType }),
    ...(platform !== undefined && { platform: formatPlatform(platform) }),
  }
}

/** `annotations` of a document or descriptor; undefined when there are none. Throws ManifestError. */
export function parseAnnotationsField(object: JsonObject, where: string): Annotations | undefined {
  const value = fieldOf(object, 'annotations')
  if (value === undefined) return undefined
  if (!isJsonObject(value)) throw invalidManifest(`annotations of ${where} is not a JSON object.`)
  const annotations: Record<string, string> = Object.create(null)
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw invalidManifest(`The annotation ${quote(key)} of ${where} is not a string.`)
    if (!key.isWellFormed() || !text.isWellFormed()) {
      throw invalidManifest(`The annotation ${quote(key)} of ${where} is not well-formed Unicode.`)
    }
    annotations[key] = text
  }
  return annotations
}

/**
 * `mediaType` or `artifactType`; empty is the same as absent (Go clients write both). Any printable ASCII passes: ORAS
 * lets its users invent types that RFC 6838 would not have.
 */
export function parseMediaTypeField(object: JsonObject, key: string, where: string): string | undefined {
  const value = fieldOf(object, key)
  if (value === undefined || value === '') return undefined
  if (typeof value !== 'string') throw invalidManifest(`${key} of ${where} is not a string.`)
  if (value.length > maxMediaTypeLength || !/^[\x20-\x7e]+$/.test(value)) {
    throw invalidManifest(`${key} of ${where} is not a media type: ${quote(value)}.`)
  }
  return value
}

const descriptorKeys: ReadonlySet<string> = new Set([
  'mediaType',
  'digest',
  'size',
  'urls',
  'annotations',
  'data',
  'platform',
  'artifactType',
])

function parseDigestField(object: JsonObject, where: string): Digest {
  const value = fieldOf(object, 'digest')
  if (value === undefined) throw invalidManifest(`${where} has no digest.`)
  const digest = typeof value === 'string' ? parseDigest(value) : undefined
  if (digest === undefined) {
    const shown = typeof value === 'string' ? `: ${quote(value)}` : ''
    throw invalidManifest(`The digest of ${where} is not a sha256 or sha512 digest in lower-case hex${shown}.`)
  }
  return digest
}

function parseSizeField(object: JsonObject, where: string): number {
  const value = fieldOf(object, 'size')
  if (value === undefined) throw invalidManifest(`${where} has no size.`)
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw invalidManifest(`The size of ${where} is not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`)
  }
  return value as number
}

/** Image-spec descriptor.md, `data`: must equal the content, padded base64 of RFC 4648 section 4. */
function checkEmbeddedData(object: JsonObject, content: { digest: Digest; sizeBytes: number }, where: string): void {
  const value = fieldOf(object, 'data')
  if (value === undefined) return
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined
  if (bytes === undefined) throw invalidManifest(`data of ${where} is not base64.`)
  if (bytes.length !== content.sizeBytes || digestOf(digestAlgorithm(content.digest), bytes) !== content.digest) {
    throw invalidManifest(`data of ${where} does not match its size and digest.`)
  }
}

function decodeBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: 'strict' })
  } catch {
    return undefined
  }
}

function parsePlatformField(object: JsonObject, where: string): Platform | undefined {
  const value = fieldOf(object, 'platform')
  if (value === undefined) return undefined
  const place = `platform of ${where}`
  if (!isJsonObject(value)) throw invalidManifest(`${place} is not a JSON object.`)
  refuseMisspelledKeys(value, platformKeys, `in ${place}`)
  const platform: Platform = {
    architecture: parseTextField(value, 'architecture', place) ?? '',
    os: parseTextField(value, 'os', place) ?? '',
  }
  const osVersion = parseTextField(value, 'os.version', place)
  if (osVersion !== undefined) platform.osVersion = osVersion
  const osFeatures = parseTextListField(value, 'os.features', place)
  if (osFeatures !== undefined) platform.osFeatures = osFeatures
  const variant = parseTextField(value, 'variant', place)
  if (variant !== undefined) platform.variant = variant
  return platform
}

const platformKeys: ReadonlySet<string> = new Set(['architecture', 'os', 'os.version', 'os.features', 'variant'])

function formatPlatform(platform: Platform): JsonObject {
  const { architecture, os, osVersion, osFeatures, variant } = platform
  return {
    architecture,
    os,
    ...(osVersion !== undefined && { 'os.version': osVersion }),
    ...(osFeatures !== undefined && { 'os.features': osFeatures }),
    ...(variant !== undefined && { variant }),
  }
}

function parseTextField(object: JsonObject, key: string, where: string): string | undefined {
  const value = fieldOf(object, key)
  if (value === undefined || isText(value)) return value
  throw invalidManifest(`${key} of ${where} is not a string of well-formed Unicode.`)
}

function parseTextListField(object: JsonObject, key: string, where: string): readonly string[] | undefined {
  const value = fieldOf(object, key)
  if (value === undefined || (Array.isArray(value) && value.every(isText))) return value
  throw invalidManifest(`${key} of ${where} is not a list of strings.`)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed()
}
