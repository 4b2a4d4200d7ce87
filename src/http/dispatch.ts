import { tokenPath } from '../protocol/auth/token-endpoint.ts'
import type { Surface } from './exchange.ts'

export type Surfaces = { oci: Surface; manage: Surface; iam: Surface; token: Surface; ops: Surface; root: Surface }

/** Proofs that only SWR's clients carry, of whatever algorithm; with one of them `/v2/` is SWR's version document, not the registry's. */
function hasSwrCredentials(headers: Headers): boolean {
  return headers.has('x-auth-token') || /^(SDK|V11)-/.test(headers.get('authorization') ?? '')
}

/** Who answers a path: one listener serves every protocol. */
export function dispatch(surfaces: Surfaces): (url: URL, request: Request) => Surface {
  return ({ pathname }, request) => {
    if (pathname === '/v2/') return hasSwrCredentials(request.headers) ? surfaces.manage : surfaces.oci
    if (pathname === '/' || pathname === '/v2' || isBelow(pathname, '/v2/manage') || isBelow(pathname, '/v3/manage'))
      return surfaces.manage
    if (isReport(pathname)) return surfaces.manage
    if (pathname.startsWith('/v2/')) return surfaces.oci
    if (isBelow(pathname, '/swr-api') || isBelow(pathname, '/dockyard/v2')) return surfaces.manage
    if (isBelow(pathname, tokenPath)) return surfaces.token
    if (isBelow(pathname, '/v3') || isBelow(pathname, '/v3.0') || isBelow(pathname, '/iam')) return surfaces.iam
    if (opsPaths.has(pathname)) return surfaces.ops
    return surfaces.root
  }
}

const opsPaths = new Set(['/livez', '/readyz', '/metrics', '/openapi.json', '/openapi-registry.json'])

/** SWR's own example of a report leaves `/manage` out. Nothing of the registry has such a path. */
function isReport(pathname: string): boolean {
  return /^\/v2\/reports\/(?:downflow|store)\/daily$/.test(pathname)
}

function isBelow(pathname: string, prefix: string): boolean {
  return pathname === prefix || pathname.startsWith(`${prefix}/`)
}
