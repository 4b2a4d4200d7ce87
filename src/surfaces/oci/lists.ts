import { DomainError } from '../../core/errors.ts'
import { findReferrers } from '../../core/manifests/referrers.ts'
import { listCatalog } from '../../core/repositories/catalog/catalog.ts'
import { listTags } from '../../core/tags/commands.ts'
import { type Digest, parseDigest } from '../../protocol/oci/digest.ts'
import { mediaTypes } from '../../protocol/oci/media-types.ts'
import { type RepositoryPath, splitRepositoryPath } from '../../protocol/oci/names.ts'
import { nextLink, parsePage } from '../../protocol/oci/paging.ts'
import { json } from './answers.ts'
import type { OciDeps, OciExchange } from './deps.ts'
import { placeOf } from './place.ts'

const pageSizes = { defaultSize: 1000, maxSize: 1000 }
/** Descriptors carry annotations of the client's choosing, so a page of referrers is kept short. */
const referrersPerPage = 250

/** end-8: the repository's tags in byte order. */
export async function getTags(deps: OciDeps, asked: OciExchange, route: { name: RepositoryPath }): Promise<Response> {
  const { url } = asked.exchange
  const page = requirePage(url)
  const place = placeOf(route.name, url.host)
  const { names, hasMore } = await listTags(deps, asked.caller, place, { after: page.last, size: page.size })
  return json(200, JSON.stringify({ name: route.name, tags: names }), linkTo(url, page, names, hasMore))
}

/** Docker's catalog: the repositories that the caller may pull from. */
export async function getCatalog(deps: OciDeps, asked: OciExchange): Promise<Response> {
  const { url } = asked.exchange
  const page = requirePage(url)
  const { names, hasMore } = await listCatalog(deps, asked.caller, { after: page.last, size: page.size })
  return json(200, JSON.stringify({ repositories: names }), linkTo(url, page, names, hasMore))
}

/** end-12: manifests whose subject is this digest; an index that is empty where there are none, or no repository. */
export async function getReferrers(
  deps: OciDeps,
  asked: OciExchange,
  route: { name: RepositoryPath; digest: Digest },
): Promise<Response> {
  const { url } = asked.exchange
  const artifactType = artifactTypeOf(url)
  const after = parseDigest(url.searchParams.get('last') ?? '')
  // A name of one component has no repository, which is no error here.
  const place = splitRepositoryPath(route.name) ?? { organization: route.name, repository: '' }
  const { referrers, hasMore } = await findReferrers(deps, asked.caller, place, {
    subject: route.digest,
    size: referrersPerPage,
    ...(artifactType !== undefined && { artifactType }),
    ...(after && { after }),
  })
  const last = referrers.at(-1)
  const extra = artifactType === undefined ? {} : { artifactType }
  return json(200, JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: referrers }), {
    'content-type': mediaTypes.ociIndex,
    ...(artifactType !== undefined && { 'oci-filters-applied': 'artifactType' }),
    ...(hasMore && last && { link: nextLink(url.pathname, { last: last.digest, extra }) }),
  })
}

/** No media type holds a blank: it was a plus that the client did not encode. An empty filter is none. */
function artifactTypeOf(url: URL): string | undefined {
  return url.searchParams.get('artifactType')?.replaceAll(' ', '+') || undefined
}

function requirePage(url: URL): { size: number; last: string | undefined } {
  const page = parsePage(url.searchParams, pageSizes)
  if (page.kind === 'invalid') throw new DomainError('page_invalid', page.reason)
  return page
}

function linkTo(url: URL, page: { size: number }, names: readonly string[], hasMore: boolean): Record<string, string> {
  const last = names.at(-1)
  if (!hasMore || last === undefined) return {}
  return { link: nextLink(url.pathname, { n: page.size, last }) }
}
