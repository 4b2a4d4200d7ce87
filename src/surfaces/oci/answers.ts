import type { Digest } from '../../protocol/oci/digest.ts'
import { matchesWeakly, parseEntityTags } from '../../protocol/oci/entity-tags.ts'

/** On every answer below `/v2/` (Docker registry API, "API Version Check"). */
export const versionHeader = { 'docker-distribution-api-version': 'registry/2.0' }

/** Whatever clients pushed: a browser must not run any of it, nor guess that it is something else. */
export const passiveContent = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
}

/** A JSON answer of this surface. */
export function json(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(body, {
    status,
    headers: {
      ...versionHeader,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'x-content-type-options': 'nosniff',
      ...headers,
    },
  })
}

/** Headers that are made once for each thing they describe, and read by every answer with it. */
export function madeOnce<T extends object>(make: (of: T) => Record<string, string>): (of: T) => Headers {
  const made = new WeakMap<T, Headers>()
  return of => {
    const known = made.get(of)
    if (known) return known
    const headers = new Headers(make(of))
    made.set(of, headers)
    return headers
  }
}

/** An answer without a body. */
export function empty(status: number, headers: Record<string, string> = {}): Response {
  return new Response(null, { status, headers: { ...versionHeader, 'content-length': '0', ...headers } })
}

/** The same answer without its body, as HEAD has it: status and headers unchanged. */
export function withoutBody(response: Response): Response {
  if (response.body === null) return response
  return new Response(null, { status: response.status, headers: response.headers })
}

/** True when the client has this content already (RFC 9110, If-None-Match; `*` matches whatever there is). */
export function hasMatchingTag(ifNoneMatch: string | null, digest: Digest): boolean {
  return ifNoneMatch !== null && matchesWeakly(parseEntityTags(ifNoneMatch) ?? [], digest)
}
