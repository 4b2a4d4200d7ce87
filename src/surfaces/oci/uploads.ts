import type { Place } from '../../core/access/queries.ts'
import { mountBlob } from '../../core/blobs/mount.ts'
import type { UploadBody } from '../../core/blobs/upload-body.ts'
import {
  appendToUpload,
  cancelUpload,
  closeUpload,
  pushBlob,
  readUploadOffset,
  startUpload,
} from '../../core/blobs/uploads.ts'
import { DomainError } from '../../core/errors.ts'
import type { Exchange } from '../../http/exchange.ts'
import { type Digest, digestAlgorithm, parseDigest, parseDigestAlgorithm } from '../../protocol/oci/digest.ts'
import { parseRepositoryPath, type RepositoryPath, splitRepositoryPath } from '../../protocol/oci/names.ts'
import { formatUploadRange, parseContentRange } from '../../protocol/oci/range.ts'
import { empty } from './answers.ts'
import type { OciDeps, OciExchange } from './deps.ts'
import { placeOf } from './place.ts'

type StartRoute = { name: RepositoryPath }
type UploadRoute = { name: RepositoryPath; uploadId: string; appended?: string }

/** end-4a begins an upload, end-4b pushes a blob in one request, end-11 mounts one. */
export async function postUpload(deps: OciDeps, asked: OciExchange, route: StartRoute): Promise<Response> {
  const { url } = asked.exchange
  const place = placeOf(route.name, url.host)
  const by = { caller: asked.caller, origin: asked.exchange.origin }
  const mount = url.searchParams.get('mount')
  if (mount !== null) {
    const digest = requireDigest(mount)
    const from = mountSource(url)
    if (from && (await mountBlob(deps, by, { to: place, from, digest }))) return created(route.name, digest)
  }
  const digestText = url.searchParams.get('digest')
  if (mount === null && digestText !== null) {
    const digest = requireDigest(digestText)
    await pushBlob(deps, by, place, digest, uploadBody(asked.exchange))
    return created(route.name, digest)
  }
  // What can't be mounted comes under the same digest.
  const algorithm = parseDigestAlgorithm(
    url.searchParams.get('digest-algorithm') ?? (mount === null ? 'sha256' : digestAlgorithm(requireDigest(mount))),
  )
  if (!algorithm) throw new DomainError('digest_invalid', 'digest-algorithm must be sha256 or sha512')
  const uploadId = await startUpload(deps, by, place, algorithm)
  return empty(202, { ...uploadHeaders(route.name, uploadId, 0), 'docker-upload-uuid': uploadId })
}

/** end-13: how far the upload is. */
export async function getUpload(deps: OciDeps, asked: OciExchange, route: UploadRoute): Promise<Response> {
  const by = { caller: asked.caller, origin: asked.exchange.origin }
  const place = placeOf(route.name, asked.exchange.url.host)
  const offsetBytes = await readUploadOffset(deps, by, place, route.uploadId)
  const headers = uploadHeaders(route.name, route.uploadId, offsetBytes)
  // 204 has no body and, unlike other answers, no length (RFC 9110 section 8.6).
  const response = empty(204, { ...headers, 'docker-upload-uuid': route.uploadId })
  response.headers.delete('content-length')
  return response
}

/** end-5: appends a chunk, or a stream where no Content-Range came. */
export async function patchUpload(deps: OciDeps, asked: OciExchange, route: UploadRoute): Promise<Response> {
  const by = { caller: asked.caller, origin: asked.exchange.origin }
  const place = placeOf(route.name, asked.exchange.url.host)
  const body = uploadBody(asked.exchange)
  const offsetBytes = await appendToUpload(deps, by, place, route.uploadId, body)
  const headers = uploadHeaders(route.name, route.uploadId, offsetBytes)
  return empty(202, { ...headers, 'docker-upload-uuid': route.uploadId })
}

/** end-6: takes the last bytes and publishes the blob. */
export async function putUpload(deps: OciDeps, asked: OciExchange, route: UploadRoute): Promise<Response> {
  const { url, origin } = asked.exchange
  const place = placeOf(route.name, url.host)
  const digest = requireDigest(url.searchParams.get('digest') ?? appendedDigest(route) ?? '')
  await closeUpload(deps, { caller: asked.caller, origin }, place, route.uploadId, digest, uploadBody(asked.exchange))
  return created(route.name, digest)
}

/** end-14: gives the upload up. */
export async function deleteUpload(deps: OciDeps, asked: OciExchange, route: UploadRoute): Promise<Response> {
  const by = { caller: asked.caller, origin: asked.exchange.origin }
  await cancelUpload(deps, by, placeOf(route.name, asked.exchange.url.host), route.uploadId)
  const response = empty(204)
  response.headers.delete('content-length')
  return response
}

/** Undefined for a name that no repository can have. */
function mountSource(url: URL): Required<Place> | 'anywhere' | undefined {
  const text = url.searchParams.get('from') ?? ''
  if (text === '') return 'anywhere'
  const name = parseRepositoryPath(text)
  return name && splitRepositoryPath(name)
}

function created(name: RepositoryPath, digest: Digest): Response {
  return empty(201, { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest })
}

function appendedDigest({ appended }: UploadRoute): string | null {
  return new URLSearchParams(appended).get('digest')
}

/** All state of a session is in the path: some clients drop the query of a Location. */
function uploadHeaders(name: RepositoryPath, uploadId: string, offsetBytes: number): Record<string, string> {
  return { location: `/v2/${name}/blobs/uploads/${uploadId}`, range: formatUploadRange(offsetBytes) }
}

function requireDigest(text: string): Digest {
  const digest = parseDigest(text)
  if (digest) return digest
  throw new DomainError('digest_invalid', 'the digest must be sha256:<64 hex digits> or sha512:<128 hex digits>', {
    digest: text.slice(0, 200),
  })
}

function uploadBody({ request, bodyWatch }: Exchange): UploadBody {
  const contentRange = request.headers.get('content-range')
  const contentLength = request.headers.get('content-length')
  const body: UploadBody = { stream: request.body, watch: bodyWatch }
  if (contentLength !== null) body.lengthBytes = Number(contentLength)
  if (contentRange === null) return body
  const range = parseContentRange(contentRange)
  if (!range) throw new DomainError('size_invalid', 'Content-Range must be <first byte>-<last byte>')
  if (body.lengthBytes !== undefined && body.lengthBytes !== range.lastByte - range.firstByte + 1) {
    throw new DomainError('size_invalid', 'Content-Range and Content-Length tell different sizes')
  }
  return { ...body, range }
}
