import { type Digest, parseDigest } from './digest.ts'
import {
  isReservedComponent,
  parseReference,
  parseRepositoryPath,
  type Reference,
  type RepositoryPath,
} from './names.ts'

/**
 * What a request to `/v2/…` asks for. Names have slashes in their middle, so the path is read from its right end.
 * - `appended` of an upload: what stands behind its id and a `&`. Scripts put the digest there, because the locations of
 *   other registries have a query already; it is read as one.
 * - `invalid`: an endpoint of OCI with a part that breaks its grammar; `code` is the wire's error code.
 * - `method-not-allowed`: an endpoint of OCI that does not take this method; `allow` is for the Allow header.
 * - `none`: no path of OCI (`/v2`, `/v2/manage/…`, unknown `/v2/_…`, anything that ends like no endpoint).
 */
export type Route =
  | { kind: 'base'; method: MethodOf<'base'> }
  | { kind: 'catalog'; method: MethodOf<'catalog'> }
  | { kind: 'extensions'; method: MethodOf<'extensions'> }
  | { kind: 'manifest'; method: MethodOf<'manifest'>; name: RepositoryPath; reference: Reference }
  | { kind: 'blob'; method: MethodOf<'blob'>; name: RepositoryPath; digest: Digest }
  | { kind: 'upload-start'; method: MethodOf<'upload-start'>; name: RepositoryPath }
  | { kind: 'upload'; method: MethodOf<'upload'>; name: RepositoryPath; uploadId: string; appended?: string }
  | { kind: 'tags'; method: MethodOf<'tags'>; name: RepositoryPath }
  | { kind: 'referrers'; method: MethodOf<'referrers'>; name: RepositoryPath; digest: Digest }
  | { kind: 'invalid'; code: RouteErrorCode }
  | { kind: 'method-not-allowed'; allow: readonly string[] }
  | { kind: 'none' }

/** `BLOB_UPLOAD_UNKNOWN` stands for upload ids that no server of ours has given out. */
export type RouteErrorCode = 'NAME_INVALID' | 'TAG_INVALID' | 'DIGEST_INVALID' | 'BLOB_UPLOAD_UNKNOWN'

/** The methods of each endpoint (distribution-spec, "Endpoints"; HEAD wherever GET is). */
export const endpointMethods = {
  base: ['GET', 'HEAD'],
  catalog: ['GET', 'HEAD'],
  extensions: ['GET', 'HEAD'],
  manifest: ['GET', 'HEAD', 'PUT', 'DELETE'],
  blob: ['GET', 'HEAD', 'DELETE'],
  'upload-start': ['POST'],
  upload: ['GET', 'HEAD', 'PATCH', 'PUT', 'DELETE'],
  tags: ['GET', 'HEAD'],
  referrers: ['GET', 'HEAD'],
} as const

export type EndpointKind = keyof typeof endpointMethods
export type MethodOf<Kind extends EndpointKind> = (typeof endpointMethods)[Kind][number]

/**
 * Reads method and raw (percent-encoded) pathname of a request. Total, pure, and linear in the length of the path.
 * The only escape it understands is `%3A` in the last segment, because some clients encode the colon of a digest; any
 * other `%` breaks the grammar of the part it stands in, so no encoded slash or dot can change what a path means.
 */
export function parseRoute(method: string, pathname: string): Route {
  if (!pathname.startsWith('/v2/')) return none
  const path = pathname.slice('/v2/'.length)
  if (path === '') return fixedRoute('base', method)
  if (path === '_catalog') return fixedRoute('catalog', method)
  if (path === '_oci/ext/discover') return fixedRoute('extensions', method)
  const firstSlash = path.indexOf('/')
  if (firstSlash < 0 || isReservedComponent(path.slice(0, firstSlash))) return none
  const endpoint = splitEndpoint(path)
  return endpoint === undefined ? none : endpointRoute(endpoint, method)
}

/** Grammar of the ids that Stower gives to uploads; 128 characters at most. */
export function isUploadId(text: string): boolean {
  return text.length <= 128 && /^[A-Za-z0-9_-]+$/.test(text)
}

const none = { kind: 'none' } as const

function fixedRoute(kind: 'base' | 'catalog' | 'extensions', method: string): Route {
  return takesMethod(kind, method) ? { kind, method } : methodNotAllowed(kind)
}

function takesMethod<Kind extends EndpointKind>(kind: Kind, method: string): method is MethodOf<Kind> {
  const methods: readonly string[] = endpointMethods[kind]
  return methods.includes(method)
}

function methodNotAllowed(kind: EndpointKind): Route {
  return { kind: 'method-not-allowed', allow: endpointMethods[kind] }
}

type NamedKind = Exclude<EndpointKind, 'base' | 'catalog' | 'extensions'>
type Endpoint = { kind: NamedKind; name: string; last: string }

/**
 * Finds the endpoint by the last segments. The segment before the last one decides, and it can only be one word, so
 * `manifests`, `blobs`, `uploads` and `tags` may also be components of the name before it.
 */
function splitEndpoint(path: string): Endpoint | undefined {
  const lastSlash = path.lastIndexOf('/')
  const verbSlash = path.lastIndexOf('/', lastSlash - 1)
  if (verbSlash < 0) return undefined
  const name = path.slice(0, verbSlash)
  const verb = path.slice(verbSlash + 1, lastSlash)
  const last = path.slice(lastSlash + 1)
  switch (verb) {
    case 'manifests':
      return { kind: 'manifest', name, last }
    case 'referrers':
      return { kind: 'referrers', name, last }
    case 'tags':
      return last === 'list' ? { kind: 'tags', name, last } : undefined
    case 'blobs':
      // without the final slash too: "uploads" is no digest, so it can mean nothing else
      return { kind: last === 'uploads' ? 'upload-start' : 'blob', name, last }
    case 'uploads':
      if (!name.endsWith('/blobs')) return undefined
      return { kind: last === '' ? 'upload-start' : 'upload', name: name.slice(0, -'/blobs'.length), last }
    default:
      return undefined
  }
}

function endpointRoute({ kind, name: nameText, last }: Endpoint, method: string): Route {
  const name = parseRepositoryPath(nameText)
  if (name === undefined) return { kind: 'invalid', code: 'NAME_INVALID' }
  switch (kind) {
    case 'manifest': {
      if (!takesMethod(kind, method)) return methodNotAllowed(kind)
      const text = decodeColon(last)
      const reference = parseReference(text)
      if (reference !== undefined) return { kind, method, name, reference }
      return { kind: 'invalid', code: text.includes(':') ? 'DIGEST_INVALID' : 'TAG_INVALID' }
    }
    case 'blob': {
      if (!takesMethod(kind, method)) return methodNotAllowed(kind)
      const digest = parseDigest(decodeColon(last))
      return digest === undefined ? { kind: 'invalid', code: 'DIGEST_INVALID' } : { kind, method, name, digest }
    }
    case 'referrers': {
      if (!takesMethod(kind, method)) return methodNotAllowed(kind)
      const digest = parseDigest(decodeColon(last))
      return digest === undefined ? { kind: 'invalid', code: 'DIGEST_INVALID' } : { kind, method, name, digest }
    }
    case 'upload':
      if (!takesMethod(kind, method)) return methodNotAllowed(kind)
      return uploadRoute({ method, name, last })
    case 'upload-start':
      return takesMethod(kind, method) ? { kind, method, name } : methodNotAllowed(kind)
    case 'tags':
      return takesMethod(kind, method) ? { kind, method, name } : methodNotAllowed(kind)
  }
}

function uploadRoute({
  method,
  name,
  last,
}: {
  method: MethodOf<'upload'>
  name: RepositoryPath
  last: string
}): Route {
  const end = last.indexOf('&')
  const uploadId = end < 0 ? last : last.slice(0, end)
  if (!isUploadId(uploadId)) return { kind: 'invalid', code: 'BLOB_UPLOAD_UNKNOWN' }
  return { kind: 'upload', method, name, uploadId, ...(end >= 0 && { appended: last.slice(end + 1) }) }
}

function decodeColon(text: string): string {
  return text.includes('%') ? text.replaceAll(/%3a/gi, ':') : text
}
