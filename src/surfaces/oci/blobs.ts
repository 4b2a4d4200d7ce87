import { deleteBlob } from '../../core/blobs/delete.ts'
import type { ReadableBlob } from '../../core/blobs/read.ts'
import type { Digest } from '../../protocol/oci/digest.ts'
import { errorBody } from '../../protocol/oci/errors.ts'
import type { RepositoryPath } from '../../protocol/oci/names.ts'
import type { ByteRange } from '../../protocol/oci/range.ts'
import { formatContentRange, formatUnsatisfiedRange, parseRange } from '../../protocol/oci/range.ts'
import { empty, hasMatchingTag, json, versionHeader } from './answers.ts'
import type { OciDeps, OciExchange } from './deps.ts'
import { placeOf } from './place.ts'

type BlobRoute = { name: RepositoryPath; digest: Digest }

/** end-2: content or a part of it; the kernel copies it where it can. */
export async function getBlob(deps: OciDeps, asked: OciExchange, route: BlobRoute): Promise<Response> {
  const { request, url, log } = asked.exchange
  const blob = await deps.blobReader.find(asked.caller, placeOf(route.name, url.host), route.digest)
  const headers = blobHeaders(route.digest)
  const isHead = request.method === 'HEAD'
  // Who hears that it is there will not push it: until its manifest comes, it has to stay.
  if (isHead) await deps.linkLeases.rely(blob.link)
  if (hasMatchingTag(request.headers.get('if-none-match'), route.digest)) {
    return new Response(null, { status: 304, headers: headersUnchanged(headers) })
  }
  const range = isHead ? 'whole' : requestedRange(request, blob, route.digest)
  if (range === 'unsatisfiable') {
    const message = `the blob has ${blob.sizeBytes} bytes, and the range lies outside of them`
    return json(416, errorBody('RANGE_INVALID', message), { 'content-range': formatUnsatisfiedRange(blob.sizeBytes) })
  }
  const part = range === 'whole' ? undefined : range
  const sizeBytes = part ? part.lastByte - part.firstByte + 1 : blob.sizeBytes
  const length = { 'content-length': String(sizeBytes) }
  if (isHead) return new Response(null, { headers: { ...headers, ...length } })
  log.bytes = sizeBytes
  const content = await deps.blobReader.open(blob, part)
  const status = part ? 206 : 200
  const partHeaders = part ? { 'content-range': formatContentRange(part, blob.sizeBytes) } : {}
  switch (content.kind) {
    case 'file': {
      const file = Bun.file(content.path)
      const body = part ? file.slice(part.firstByte, part.lastByte + 1) : file
      return new Response(body, { status, headers: { ...headers, ...partHeaders } })
    }
    case 'bytes': {
      const body = part ? content.bytes.slice(part.firstByte, part.lastByte + 1) : content.bytes
      return new Response(body, { status, headers: { ...headers, ...partHeaders, ...length } })
    }
    case 'stream':
      return new Response(content.stream, { status, headers: { ...headers, ...partHeaders, ...length } })
    case 'redirect':
      return new Response(null, { status: 307, headers: { ...headers, location: content.url } })
  }
}

/** end-10: out of this repository only. */
export async function removeBlob(deps: OciDeps, asked: OciExchange, route: BlobRoute): Promise<Response> {
  const by = { caller: asked.caller, origin: asked.exchange.origin }
  await deleteBlob(deps, by, placeOf(route.name, asked.exchange.url.host), route.digest)
  return empty(202)
}

/** Content is served as bytes and nothing else, whatever it claims to be: a browser must not run it. */
function blobHeaders(digest: Digest): Record<string, string> {
  return {
    ...versionHeader,
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=31536000, immutable',
    'x-content-type-options': 'nosniff',
  }
}

/** What a 304 may say: the client has the rest from before (RFC 9110 section 15.4.5). */
function headersUnchanged({ etag = '', ...headers }: Record<string, string>): Record<string, string> {
  const { 'cache-control': cacheControl = '', 'docker-content-digest': digest = '' } = headers
  return { ...versionHeader, etag, 'cache-control': cacheControl, 'docker-content-digest': digest }
}

/** One range is served as such; several are answered with the whole, as RFC 9110 section 14.2 allows. */
function requestedRange(request: Request, blob: ReadableBlob, digest: Digest): ByteRange | 'whole' | 'unsatisfiable' {
  const ifRange = request.headers.get('if-range')
  if (ifRange !== null && ifRange !== `"${digest}"`) return 'whole'
  const requested = parseRange(request.headers.get('range'), blob.sizeBytes)
  if (requested.kind !== 'ranges') return requested.kind
  const [only, ...others] = requested.ranges
  return only && others.length === 0 ? only : 'whole'
}
