import { DomainError } from '../../core/errors.ts'
import { deleteManifest } from '../../core/manifests/delete.ts'
import { pushManifest } from '../../core/manifests/push.ts'
import type { ReadableManifest } from '../../core/manifests/read.ts'
import { deleteTag } from '../../core/tags/commands.ts'
import { dropBody, readBody } from '../../http/body.ts'
import type { Exchange } from '../../http/exchange.ts'
import { acceptsMediaType } from '../../protocol/oci/accept.ts'
import { type Digest, digestOf } from '../../protocol/oci/digest.ts'
import { readPreconditions } from '../../protocol/oci/entity-tags.ts'
import { type ParsedManifest, parseManifest } from '../../protocol/oci/manifest.ts'
import { ManifestError } from '../../protocol/oci/manifest-error.ts'
import type { Reference, RepositoryPath } from '../../protocol/oci/names.ts'
import { empty, hasMatchingTag, madeOnce, passiveContent, versionHeader } from './answers.ts'
import type { OciDeps, OciExchange } from './deps.ts'
import { placeOf } from './place.ts'
import { findPlatformChild } from './platform-child.ts'
import { tagsToMove } from './tags-to-move.ts'
import { warningHeaders, warningsOfPush, warningsOfType } from './warnings.ts'

type ManifestRoute = { name: RepositoryPath; reference: Reference }

/** end-3: the bytes as they were pushed, or with HEAD what describes them. */
export async function getManifest(deps: OciDeps, asked: OciExchange, route: ManifestRoute): Promise<Response> {
  const { request, url, log } = asked.exchange
  const found = await deps.manifestReader.find(asked.caller, placeOf(route.name, url.host), route.reference)
  const isAccepted = acceptsMediaType(request.headers.get('accept'), found.mediaType)
  const manifest = isAccepted ? found : await findPlatformChild(deps, asked, route, found)
  if (!manifest) throw notAcceptable(found)
  if (hasMatchingTag(request.headers.get('if-none-match'), manifest.digest)) {
    const unchanged = { ...versionHeader, etag: `"${manifest.digest}"`, 'docker-content-digest': manifest.digest }
    return new Response(null, { status: 304, headers: unchanged })
  }
  const headers = headersOf(manifest)
  if (request.method === 'HEAD') return new Response(null, { headers })
  const body = await deps.manifestReader.body(manifest)
  log.bytes = body.byteLength
  deps.pulls.count(manifest.repositoryId)
  deps.traffic.count(manifest.accountId, body.byteLength)
  return new Response(body as Uint8Array<ArrayBuffer>, { headers })
}

const headersOf = madeOnce((manifest: ReadableManifest) => ({
  ...versionHeader,
  'content-type': manifest.mediaType,
  'content-length': String(manifest.sizeBytes),
  'docker-content-digest': manifest.digest,
  etag: `"${manifest.digest}"`,
  ...passiveContent,
  ...warningHeaders(warningsOfType(manifest.mediaType)),
}))

/** end-7: stores a manifest under its digest and moves its tags. */
export async function putManifest(deps: OciDeps, asked: OciExchange, route: ManifestRoute): Promise<Response> {
  const { request, url } = asked.exchange
  const { reference } = route
  const tags = tagsToMove(reference, url.searchParams)
  const by = { caller: asked.caller, origin: asked.exchange.origin }
  const preconditions = {
    ...readPreconditions(request.headers),
    of: reference.kind === 'tag' ? 'tag' : 'manifest',
  } as const
  const { manifest, digest } = await pushManifest(deps, by, placeOf(route.name, url.host), async () => {
    const body = await readBody(asked.exchange, deps.limits.manifestBytes, { mostDroppedBytes })
    const manifest = parse(body, request.headers.get('content-type') ?? undefined)
    const digest: Digest = reference.kind === 'digest' ? reference.digest : digestOf('sha256', body)
    return { body, manifest, digest, tags, preconditions }
  })
  return empty(201, {
    location: `/v2/${route.name}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(manifest.subject && { 'oci-subject': manifest.subject.digest }),
    ...warningHeaders(warningsOfPush(manifest)),
    ...(reference.kind === 'digest' && tags.length > 0 && { 'oci-tag': tags.join(', ') }),
  })
}

/** Reads a refused manifest past where nobody read it, unheld: its sender may not listen before all of it is sent. */
export async function dropManifest({ limits }: OciDeps, exchange: Exchange): Promise<void> {
  await dropBody(exchange, { mostBytes: limits.manifestBytes + mostDroppedBytes, mostMs: mostDroppingMs })
}

/** oras sends all of a manifest before it listens; beyond this over the limit the connection breaks instead. */
const mostDroppedBytes = 8 * 1024 * 1024
/** Who may not push keeps a connection no longer by sending slowly. */
const mostDroppingMs = 5_000

/** end-9: by tag removes the tag alone, by digest the manifest and every tag of it. */
export async function deleteReference(deps: OciDeps, asked: OciExchange, route: ManifestRoute): Promise<Response> {
  const place = placeOf(route.name, asked.exchange.url.host)
  const by = { caller: asked.caller, origin: asked.exchange.origin }
  const preconditions = readPreconditions(asked.exchange.request.headers)
  if (route.reference.kind === 'tag') await deleteTag(deps, by, place, route.reference.tag, preconditions)
  else await deleteManifest(deps, by, place, route.reference.digest, preconditions)
  return empty(202)
}

function parse(body: Uint8Array, contentType: string | undefined): ParsedManifest {
  try {
    return parseManifest(body, contentType)
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    throw new DomainError('manifest_invalid', error.message, {}, { cause: error })
  }
}

function notAcceptable(manifest: ReadableManifest): DomainError {
  return new DomainError(
    'manifest_unknown',
    `the manifest is of the type ${manifest.mediaType}, which the Accept header does not name`,
    { digest: manifest.digest },
  )
}
