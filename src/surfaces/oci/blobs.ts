import { randomBytes } from 'node:crypto'
import { deleteBlob } from '../../core/blobs/delete.ts'
import type { ReadableBlob } from '../../core/blobs/read.ts'
import { frameRanges } from '../../protocol/oci/byte-ranges.ts'
import type { Digest } from '../../protocol/oci/digest.ts'
import { errorBody } from '../../protocol/oci/errors.ts'
import type { RepositoryPath } from '../../protocol/oci/names.ts'
import {
  type ByteRange,
  formatContentRange,
  formatUnsatisfiedRange,
  parseRange,
  type RequestedRange,
} from '../../protocol/oci/range.ts'
import { empty, hasMatchingTag, json, passiveContent, versionHeader } from './answers.ts'
import type { OciDeps, OciExchange } from './deps.ts'
import { placeOf } from './place.ts'

const blobMediaType = 'application/octet-stream'
const wholeBlob = { kind: 'whole' } as const

type BlobRoute = { name: RepositoryPath; digest: Digest }

/** end-2: content or a part of it; the kernel copies it where it can. */
export async function getBlob(deps: OciDeps, asked: OciExchange, route: BlobRoute): Promise<Response> {
  const { request, url, log } = asked.exchange
  const blob = await deps.blobReader.find(asked.caller, placeOf(route.name, url.host), route.digest)
  const headers = blobHeaders(route.digest)
  const isHead = request.method === 'HEAD'
  if (isHead) {
    // Who hears that it is there will not push it: it has to be, and to stay until its manifest comes.
    await deps.blobReader.requireBytes(blob)
    await deps.linkLeases.rely(blob.link)
  }
  if (hasMatchingTag(request.headers.get('if-none-match'), route.digest)) {
    return new Response(null, { status: 304, headers: headersUnchanged(headers) })
  }
  const requested = isHead ? wholeBlob : requestedRange(deps, request, blob, route.digest)
  if (requested.kind === 'unsatisfiable') {
    const message = `the blob has ${blob.sizeBytes} bytes, and the range lies outside of them`
    return json(416, errorBody('RANGE_INVALID', message), { 'content-range': formatUnsatisfiedRange(blob.sizeBytes) })
  }
  const [part, ...others] = requested.kind === 'ranges' ? requested.ranges : []
  if (part && others.length > 0) return getRanges(deps, asked, { blob, ranges: [part, ...others], headers })
  const sizeBytes = part ? part.lastByte - part.firstByte + 1 : blob.sizeBytes
  const length = { 'content-length': String(sizeBytes) }
  if (isHead) return new Response(null, { headers: { ...headers, ...length } })
  log.bytes = sizeBytes
  const content = await deps.blobReader.open(blob, part)
  deps.traffic.count(blob.accountId, sizeBytes)
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
      return redirect(headers, content.url)
  }
}

/** Several ranges of it: one answer with a part for each (RFC 9110 section 15.3.7.2). */
async function getRanges(
  deps: OciDeps,
  asked: OciExchange,
  wanted: { blob: ReadableBlob; ranges: readonly [ByteRange, ...ByteRange[]]; headers: Record<string, string> },
): Promise<Response> {
  const { blob, ranges, headers } = wanted
  const content = { sizeBytes: blob.sizeBytes, mediaType: blobMediaType }
  const frame = frameRanges(ranges, content, randomBytes(16).toString('hex'))
  const open = async (range: ByteRange) => streamOf(await deps.blobReader.open(blob, range), range)
  const first = await open(ranges[0])
  if (typeof first === 'string') return redirect(headers, first)
  const body = deps.rangeAnswers.stream(frame, ranges, first, async range => {
    const part = await open(range)
    if (typeof part === 'string') throw new Error('a blob that was read here is now read elsewhere')
    return part
  })
  asked.exchange.log.bytes = frame.sizeBytes
  deps.traffic.count(
    blob.accountId,
    ranges.reduce((sum, range) => sum + range.lastByte - range.firstByte + 1, 0),
  )
  return new Response(body, { status: 206, headers: { ...headers, 'content-type': frame.contentType } })
}

/** The bytes of a range, or the address to read them at. */
function streamOf(
  content: Awaited<ReturnType<OciDeps['blobReader']['open']>>,
  range: ByteRange,
): ReadableStream<Uint8Array> | string {
  switch (content.kind) {
    case 'file':
      return Bun.file(content.path)
        .slice(range.firstByte, range.lastByte + 1)
        .stream()
    case 'bytes':
      return new Blob([content.bytes.slice(range.firstByte, range.lastByte + 1)]).stream()
    case 'stream':
      return content.stream
    case 'redirect':
      return content.url
  }
}

function redirect(headers: Record<string, string>, location: string): Response {
  return new Response(null, { status: 307, headers: { ...headers, location } })
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
    'content-type': blobMediaType,
    'content-disposition': 'attachment',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=31536000, immutable',
    ...passiveContent,
  }
}

/** What a 304 may say: the client has the rest from before (RFC 9110 section 15.4.5). */
function headersUnchanged({ etag = '', ...headers }: Record<string, string>): Record<string, string> {
  const { 'cache-control': cacheControl = '', 'docker-content-digest': digest = '' } = headers
  return { ...versionHeader, etag, 'cache-control': cacheControl, 'docker-content-digest': digest }
}

/** If-Range names the content that the client has a part of; where that is another, it needs the whole. */
function requestedRange(deps: OciDeps, request: Request, blob: ReadableBlob, digest: Digest): RequestedRange {
  const ifRange = request.headers.get('if-range')
  if (ifRange !== null && ifRange !== `"${digest}"`) return wholeBlob
  const requested = parseRange(request.headers.get('range'), blob.sizeBytes)
  const areMany = requested.kind === 'ranges' && requested.ranges.length > 1
  return areMany && !deps.rangeAnswers.hasRoom ? wholeBlob : requested
}
