import { createHash } from 'node:crypto'
import type { Signature } from './authorization.ts'
import { canonicalPaths } from './canonical-path.ts'
import { canonicalQuery, legacyCanonicalQuery, legacyQueryAsBody } from './canonical-query.ts'
import type { ReceivedRequest } from './received-request.ts'

/** What of a request is signed. */
export type SignedParts = Pick<ReceivedRequest, 'method' | 'path' | 'query' | 'headers' | 'hosts'> & {
  /** What may stand for the body that came: its SHA-256 in lower-case hex, or `UNSIGNED-PAYLOAD`. */
  payloads: readonly string[]
  isWithoutBody: boolean
}

/**
 * Every canonical request that a signer may have made of this one: they differ in how they read its path, in the host
 * that a proxy may have changed, and in what they sign of a POST without a body. One is as good as another: each names
 * all that the request asks for.
 */
export function canonicalRequests(signature: Signature, parts: SignedParts): readonly string[] {
  const paths = canonicalPaths(parts.path)
  const hosts = signature.signedHeaders.includes('host') ? parts.hosts : parts.hosts.slice(0, 1)
  const bodies = bodiesOf(signature, parts)
  const names = signature.signedHeaders.join(';')
  return hosts
    .map(host => signature.signedHeaders.map(name => `${name}:${headerValue(signature, parts, name, host)}\n`).join(''))
    .flatMap(headers =>
      paths.flatMap(path =>
        bodies.map(({ query, payload }) => [parts.method, path, query, headers, names, payload].join('\n')),
      ),
    )
}

function bodiesOf({ form }: Signature, { method, query, payloads, isWithoutBody }: SignedParts) {
  const canonical = form === 'scoped' ? legacyCanonicalQuery(query) : canonicalQuery(query)
  const bodies = payloads.map(payload => ({ query: canonical, payload }))
  if (form !== 'scoped' || method !== 'POST' || !isWithoutBody) return bodies
  return [...bodies, { query: '', payload: createHash('sha256').update(legacyQueryAsBody(query)).digest('hex') }]
}

/** Blanks around a value never count; the legacy form also makes one of several within. */
function headerValue({ form }: Signature, { headers }: SignedParts, name: string, host: string): string {
  const value = (name === 'host' ? host : (headers.get(name) ?? '')).trim()
  return form === 'scoped' ? value.replace(/\s+/g, ' ') : value
}
