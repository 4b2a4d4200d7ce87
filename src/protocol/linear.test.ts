import { expect, test } from 'bun:test'
import { parseAuthorization } from '../identity/authorization.ts'
import { parseScopes } from './auth/scopes.ts'
import { parseSignature } from './auth/signing/authorization.ts'
import { acceptsMediaType } from './oci/accept.ts'
import { parseDigest } from './oci/digest.ts'
import { essence } from './oci/media-types.ts'
import { parseReference, parseRepositoryPath, parseTag } from './oci/names.ts'
import { parsePage } from './oci/paging.ts'
import { parseContentRange, parseRange } from './oci/range.ts'
import { parseRoute } from './oci/routes.ts'

/** Everything that reads text of a client's choosing on the registry's side. */
const readers: Record<string, (text: string) => unknown> = {
  acceptsMediaType: text => acceptsMediaType(text, 'application/json'),
  essence,
  parseAuthorization: text => parseAuthorization(`Basic ${text}`),
  parseContentRange,
  parseDigest,
  parsePage: text => parsePage(new URLSearchParams({ n: text, last: text }), { defaultSize: 10, maxSize: 10 }),
  parseRange: text => parseRange(`bytes=${text}`, 1000),
  parseReference,
  parseRepositoryPath,
  parseRoute: text => parseRoute('GET', `/v2/${text}/manifests/${text}`),
  parseScopes: text => parseScopes([text, `repository:${text}:pull`]),
  parseSignature: text => parseSignature(`SDK-HMAC-SHA256 Access=AK, SignedHeaders=${text}, Signature=${text}`),
  parseTag,
}

/** Texts that make a pattern with two ways to match a part go through all of them, and one that then does not fit. */
const pieces = [
  'a',
  'a-',
  '-',
  '--a',
  '_',
  '__',
  'a__',
  '.',
  'a.',
  '/',
  'a/',
  ':',
  'sha256:',
  '0',
  '0-',
  ',',
  '0-0,',
  ';q=',
  '=',
  ' ',
  '%3A',
  '"',
  '\\',
  'é',
]

test.each(Object.keys(readers))('%s takes a time linear in a text of a megabyte', name => {
  const read = readers[name]
  const timed = (length: number) => {
    const before = process.cpuUsage()
    for (const piece of pieces) {
      const text = piece.repeat(Math.ceil(length / piece.length)).slice(0, length)
      for (const each of [text, `${text}!`, `!${text}`]) read?.(each)
    }
    return process.cpuUsage(before).user / 1000
  }
  // As long as each of them still reads before it says that a text is too long.
  for (const length of [60, 127, 254, 1_000]) expect(timed(length)).toBeLessThan(500)
  // 72 texts: a tenth of a second each is ten times what the slowest takes on a slow machine; a square takes minutes.
  expect(timed(1_000_000)).toBeLessThan(72 * 100)
})
