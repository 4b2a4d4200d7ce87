import { bytesOf, percentDecode, percentEncode } from './percent.ts'

/**
 * What signers make of one and the same path, each spelling once. They differ where it holds escapes or what others
 * escape:
 *
 * - decoded as a whole, then split and encoded: an encoded slash separates (Python, Go);
 * - split as it is and encoded once more: `%24` becomes `%2524` (Node.js);
 * - split, then each segment decoded and encoded.
 *
 * All of them end in a slash.
 */
export function canonicalPaths(path: string): readonly string[] {
  const bytes = bytesOf(path)
  const segments = bytes.split('/')
  const spellings = [
    percentDecode(bytes).split('/').map(percentEncode),
    segments.map(percentEncode),
    segments.map(segment => percentEncode(percentDecode(segment))),
  ]
  return [...new Set(spellings.map(each => closed(each.join('/'))))]
}

function closed(path: string): string {
  return path.endsWith('/') ? path : `${path}/`
}
