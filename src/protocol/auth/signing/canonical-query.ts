import { bytesOf, percentDecode, percentEncode } from './percent.ts'

/** Sorted by name, those of one name by value, all of them, each with an equals sign. */
export function canonicalQuery(query: string): string {
  return pairsOf(query)
    .sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value))
    .map(({ name, value }) => `${percentEncode(name)}=${percentEncode(value)}`)
    .join('&')
}

/** As the legacy form has it: names sorted without regard to case, and of those that repeat the first one only. */
export function legacyCanonicalQuery(query: string): string {
  const first = new Map<string, string>()
  for (const { name, value } of pairsOf(query)) if (!first.has(name)) first.set(name, value)
  return [...first]
    .map(([name, value]) => ({ name: percentEncode(name), value: percentEncode(value) }))
    .sort((a, b) => compare(a.name.toLowerCase(), b.name.toLowerCase()))
    .map(({ name, value }) => `${name}=${value}`)
    .join('&')
}

/**
 * What the legacy form signs in the place of a body that a POST doesn't have: the parameters as a form, sorted by name,
 * those of one name as they came, a space as a plus sign.
 */
export function legacyQueryAsBody(query: string): string {
  const encode = (text: string) => percentEncode(text).replaceAll('%20', '+')
  return pairsOf(query)
    .sort((a, b) => compare(a.name, b.name))
    .map(({ name, value }) => `${encode(name)}=${encode(value)}`)
    .join('&')
}

type Pair = { name: string; value: string }

/** What was sent, decoded to bytes: a plus sign is a space, and a name without an equals sign has an empty value. */
function pairsOf(query: string): Pair[] {
  return bytesOf(query)
    .split('&')
    .filter(piece => piece !== '')
    .map(piece => {
      const equals = piece.indexOf('=')
      const name = equals < 0 ? piece : piece.slice(0, equals)
      return { name: decode(name), value: equals < 0 ? '' : decode(piece.slice(equals + 1)) }
    })
}

function decode(bytes: string): string {
  return percentDecode(bytes.replaceAll('+', ' '))
}

/** Byte by byte. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
