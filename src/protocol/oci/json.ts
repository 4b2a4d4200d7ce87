import { invalidManifest, quote } from './manifest-error.ts'

/**
 * Reading JSON so that everyone who reads the same bytes sees the same document. `JSON.parse` alone takes the last of
 * two equal keys where other parsers take the first, rounds numbers, and follows nesting as deep as it is told to.
 */
export type JsonObject = Readonly<Record<string, unknown>>

/** Image-spec documents nest five deep; the rest is room for fields of extensions. */
export const maxJsonDepth = 64

/**
 * Decodes a JSON object. Throws ManifestError for what is not UTF-8, begins with a byte order mark, is no JSON, is
 * no object, nests deeper than `maxJsonDepth` or has a key twice in one object. Linear in the number of bytes.
 *
 * A number under a key `size` that is not written as plain digits (`1e3`, `5.0`, more than 16 digits) arrives as
 * Infinity: rounded, it would pass for a size that the document does not state.
 */
export function readJsonObject(bytes: Uint8Array): JsonObject {
  const text = decodeUtf8(bytes)
  const scan = scanJson(text)
  if (scan.isTooDeep) throw invalidManifest(`The manifest nests deeper than ${maxJsonDepth} levels.`)
  const value = parseJson(text, scan.oddSizes)
  // after the parse, because what the scan saw in a text that is no JSON means nothing
  if (scan.duplicateKey !== undefined) {
    throw invalidManifest(`The manifest has the key ${quote(scan.duplicateKey)} twice in one object.`)
  }
  if (!isJsonObject(value)) throw invalidManifest('The manifest is not a JSON object.')
  return value
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A field that is absent and one that is null are the same: Go clients write null for an empty list. */
export function fieldOf(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? (object[key] ?? undefined) : undefined
}

/**
 * Throws ManifestError when a key differs from a known one by case alone. Go's encoding/json would read
 * `"Manifests"` as `manifests`, so a document with such keys means one thing here and another to most clients.
 */
export function refuseMisspelledKeys(object: JsonObject, knownKeys: ReadonlySet<string>, where: string): void {
  for (const key of Object.keys(object)) {
    if (knownKeys.has(key)) continue
    for (const known of knownKeys) {
      // upper-case first: that is what makes U+017F an s and U+212A a k, as Go's case folding does
      if (key.length === known.length && key.toUpperCase() === known.toUpperCase()) {
        throw invalidManifest(`The key ${quote(key)} ${where} must be written "${known}".`)
      }
    }
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw invalidManifest('The manifest is not valid UTF-8.', { cause })
  }
  if (text.startsWith('\uFEFF')) throw invalidManifest('The manifest begins with a byte order mark.')
  return text
}

function parseJson(text: string, oddSizes: readonly Span[]): unknown {
  try {
    const value: unknown = JSON.parse(text)
    // Only a text that was JSON as it came may be changed. A reviver would be called for every value of the document.
    return oddSizes.length === 0 ? value : JSON.parse(withInfinities(text, oddSizes))
  } catch (cause) {
    throw invalidManifest('The manifest is not valid JSON.', { cause })
  }
}

/** The text with a number in these places that is read as Infinity, which JSON has no word for. */
function withInfinities(text: string, places: readonly Span[]): string {
  const pieces = places.map(({ start }, index) => text.slice(places[index - 1]?.end ?? 0, start))
  return [...pieces, text.slice(places.at(-1)?.end)].join('1e999')
}

function isPlainInteger(token: string): boolean {
  return /^(?:0|[1-9][0-9]{0,15})$/.test(token)
}

type Span = { start: number; end: number }
type JsonScan = { isTooDeep: boolean; duplicateKey: string | undefined; oddSizes: readonly Span[] }

/** One pass over the tokens. Total: a text that is no JSON gives some answer, and `JSON.parse` refuses it after. */
function scanJson(text: string): JsonScan {
  const oddSizes: Span[] = []
  const scan: JsonScan = { isTooDeep: false, duplicateKey: undefined, oddSizes }
  // for each open container: the keys seen in an object, undefined for an array
  const open: (Set<string> | undefined)[] = []
  let isKeyNext = false
  let lastKey = ''
  let index = 0
  while (index < text.length) {
    const code = text.charCodeAt(index)
    if (code === quoteMark) {
      const end = endOfString(text, index)
      const keys = open.at(-1)
      if (isKeyNext && keys !== undefined) {
        isKeyNext = false
        lastKey = unescapeKey(text.slice(index, end))
        if (keys.has(lastKey)) scan.duplicateKey ??= lastKey
        keys.add(lastKey)
      }
      index = end
      continue
    }
    if (code === minus || (code >= digit0 && code <= digit9)) {
      const end = endOfNumber(text, index)
      if (lastKey === 'size' && !isPlainInteger(text.slice(index, end))) oddSizes.push({ start: index, end })
      index = end
      continue
    }
    if (code === openBrace || code === openBracket) {
      if (open.length === maxJsonDepth) return { ...scan, isTooDeep: true }
      open.push(code === openBrace ? new Set() : undefined)
      isKeyNext = code === openBrace
      lastKey = ''
    } else if (code === closeBrace || code === closeBracket) {
      open.pop()
      isKeyNext = false
    } else if (code === comma) {
      isKeyNext = true
      lastKey = ''
    }
    index++
  }
  return scan
}

const quoteMark = 0x22
const comma = 0x2c
const minus = 0x2d
const digit0 = 0x30
const digit9 = 0x39
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** Index after the closing quotation mark, or the end of the text when there is none. */
function endOfString(text: string, start: number): number {
  let index = start + 1
  while (index < text.length) {
    const code = text.charCodeAt(index)
    if (code === quoteMark) return index + 1
    index += code === backslash ? 2 : 1
  }
  return text.length
}

/** Index after a run of the characters that numbers are written with. */
function endOfNumber(text: string, start: number): number {
  let index = start + 1
  while (index < text.length && '0123456789+-.eE'.includes(text.charAt(index))) index++
  return index
}

/** `"\u0061"` and `"a"` are one key. */
function unescapeKey(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1)
  try {
    return String(JSON.parse(literal))
  } catch {
    return literal
  }
}
