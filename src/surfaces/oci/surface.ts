import { DomainError, isDomainError } from '../../core/errors.ts'
import { closing } from '../../http/body.ts'
import type { Exchange, Surface } from '../../http/exchange.ts'
import { noteRefusal } from '../../http/refusal.ts'
import { dockerService, tokenPath } from '../../protocol/auth/token-endpoint.ts'
import { bearerChallenge, formatScope } from '../../protocol/oci/challenge.ts'
import { errorBody } from '../../protocol/oci/errors.ts'
import { parseRepositoryPath, tagRule } from '../../protocol/oci/names.ts'
import { type EndpointKind, endpointMethods, parseRoute, type Route } from '../../protocol/oci/routes.ts'
import { json, withoutBody } from './answers.ts'
import { getBlob, removeBlob } from './blobs.ts'
import type { OciDeps, OciExchange } from './deps.ts'
import { toWire } from './errors.ts'
import { getCatalog, getReferrers, getTags } from './lists.ts'
import { deleteReference, dropManifest, getManifest, putManifest } from './manifests.ts'
import { deleteUpload, getUpload, patchUpload, postUpload, putUpload } from './uploads.ts'

/** The distribution specification's API below `/v2/`. */
export function openOciSurface(deps: OciDeps): Surface {
  return async exchange => {
    const { request, url, log } = exchange
    const route = parseRoute(request.method, url.pathname)
    log.route = `oci.${route.kind}`
    try {
      const caller = await deps.identity.ofDocker(request.headers.get('authorization'), exchange.origin.sourceAddress)
      if (caller.kind === 'user') log.caller = `${caller.accountName}/${caller.userName}`
      const response = await answer(deps, { exchange, caller }, route)
      if (!response.ok) return finish(request, response)
      return request.method === 'HEAD' ? withoutBody(response) : response
    } catch (error) {
      if (route.kind === 'manifest' && route.method === 'PUT') await dropManifest(deps, exchange)
      return refuse(exchange, route, error)
    }
  }
}

async function answer(deps: OciDeps, asked: OciExchange, route: Route): Promise<Response> {
  switch (route.kind) {
    case 'base':
      return getBase(deps, asked)
    case 'catalog':
      return getCatalog(deps, asked)
    case 'extensions':
      return json(200, JSON.stringify({ extensions: [] }))
    case 'manifest':
      if (route.method === 'PUT') return putManifest(deps, asked, route)
      if (route.method === 'DELETE') return deleteReference(deps, asked, route)
      return getManifest(deps, asked, route)
    case 'blob':
      return route.method === 'DELETE' ? removeBlob(deps, asked, route) : getBlob(deps, asked, route)
    case 'upload-start':
      return postUpload(deps, asked, route)
    case 'upload':
      if (route.method === 'PATCH') return patchUpload(deps, asked, route)
      if (route.method === 'PUT') return putUpload(deps, asked, route)
      if (route.method === 'DELETE') return deleteUpload(deps, asked, route)
      return getUpload(deps, asked, route)
    case 'tags':
      return getTags(deps, asked, route)
    case 'referrers':
      return getReferrers(deps, asked, route)
    case 'invalid':
      return json(statusOfInvalid(asked, route.code), errorBody(route.code, invalidParts[route.code]))
    case 'method-not-allowed':
      return json(405, errorBody('UNSUPPORTED', `use ${route.allow.join(', ')} here`), {
        allow: route.allow.join(', '),
      })
    case 'none':
      return json(404, errorBody('NAME_UNKNOWN', 'there is nothing at this path of the registry API'))
  }
}

/** end-1: tells that the API is spoken here, once the caller is known; everyone has to log in or ask for a token first. */
async function getBase({ access }: OciDeps, { caller }: OciExchange): Promise<Response> {
  if (caller.kind === 'anonymous' && caller.scopes === undefined) {
    throw new DomainError('unauthenticated', 'log in first: docker login')
  }
  const { standing } = await access.facts(caller)
  if (standing.kind === 'void') throw new DomainError('credentials_invalid', 'the login is expired or revoked')
  return json(200, '{}')
}

/** Nothing can be stored under a name that breaks the grammar; to read what can't exist is "not found". */
function statusOfInvalid({ exchange }: OciExchange, code: keyof typeof invalidParts): number {
  if (code === 'BLOB_UPLOAD_UNKNOWN') return 404
  const isRead = exchange.request.method === 'GET' || exchange.request.method === 'HEAD'
  return code === 'TAG_INVALID' && isRead ? 404 : 400
}

const invalidParts = {
  NAME_INVALID:
    'a repository name is lower-case letters and digits in components joined by "/", with ".", "_", "__" or "-" between',
  TAG_INVALID: tagRule,
  DIGEST_INVALID: 'a digest is sha256:<64 lower-case hex digits> or sha512:<128>',
  BLOB_UPLOAD_UNKNOWN: 'there is no such upload: start it again',
}

function refuse(exchange: Exchange, route: Route, error: unknown): Response {
  const { request, log } = exchange
  if (!isDomainError(error)) {
    if (exchange.signal?.aborted) return json(499, errorBody('UNKNOWN', 'the client went away'))
    log.error = error
    const message = `something went wrong here; the log says what under request id ${exchange.origin.requestId}`
    return finish(request, json(500, errorBody('UNKNOWN', message)))
  }
  noteRefusal(log, error)
  const { status, body } = toWire(error, exchange.origin.requestId)
  if (status >= 500) log.error = error
  const response = json(status, body, headersFor(exchange, route, error))
  return finish(request, response)
}

function headersFor(exchange: Exchange, route: Route, error: DomainError): Record<string, string> {
  if (error.code === 'too_many_requests') return { 'retry-after': '5' }
  if (error.code === 'precondition_failed' && typeof error.detail.found === 'string') {
    return { etag: `"${error.detail.found}"` }
  }
  if (error.code === 'upload_range_invalid' && route.kind === 'upload') {
    const offsetBytes = Number(error.detail.offsetBytes ?? 0)
    return {
      location: `/v2/${route.name}/blobs/uploads/${route.uploadId}`,
      range: `0-${Math.max(0, offsetBytes - 1)}`,
    }
  }
  if (route.kind in endpointMethods && isMethodRefused(error)) {
    return { allow: endpointMethods[route.kind as EndpointKind].filter(method => method !== 'DELETE').join(', ') }
  }
  const needsLogin =
    error.code === 'unauthenticated' || error.code === 'credentials_invalid' || error.code === 'scope_insufficient'
  if (!needsLogin) return {}
  const scope = scopeOf(exchange, route)
  return {
    'www-authenticate': bearerChallenge({
      realm: `${exchange.baseUrl}${tokenPath}/`,
      service: dockerService,
      ...(scope !== undefined && { scope }),
      ...(error.code === 'scope_insufficient' && { error: 'insufficient_scope' }),
      ...(error.code === 'credentials_invalid' && { error: 'invalid_token' }),
    }),
  }
}

/** 405 says which methods are taken (RFC 9110 section 15.5.6); what is refused here are deletions only. */
function isMethodRefused({ code }: DomainError): boolean {
  return code === 'deletion_disabled' || code === 'blob_in_use'
}

/** The scope a token needs for this route; none for the base, so that a login asks for nothing. */
function scopeOf({ url }: Exchange, route: Route): string | undefined {
  switch (route.kind) {
    case 'catalog':
      return formatScope('registry', 'catalog', ['*'])
    case 'upload-start': {
      const push = formatScope('repository', route.name, ['pull', 'push'])
      // A client that asks for exactly what it is told to can mount only if it is told of the source too.
      const from = url.searchParams.has('mount') && parseRepositoryPath(url.searchParams.get('from') ?? '')
      return from ? `${push} ${formatScope('repository', from, ['pull'])}` : push
    }
    case 'upload':
      return formatScope('repository', route.name, ['pull', 'push'])
    case 'manifest':
    case 'blob':
      if (route.method === 'DELETE') return formatScope('repository', route.name, ['delete'])
      return formatScope('repository', route.name, route.method === 'PUT' ? ['pull', 'push'] : ['pull'])
    case 'tags':
    case 'referrers':
      return formatScope('repository', route.name, ['pull'])
    default:
      return undefined
  }
}

/** An error to a request whose body may not be read to its end closes the connection; HEAD gets no body. */
function finish(request: Request, response: Response): Response {
  if (request.method === 'HEAD') return withoutBody(response)
  return request.body === null ? response : closing(response)
}
