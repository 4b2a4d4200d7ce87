import { DomainError } from '../../core/errors.ts'
import { type Accessory, listAccessories } from '../../core/manifests/images/accessories.ts'
import { listReferences } from '../../core/manifests/images/references.ts'
import {
  type AccessoryListView,
  type AccessoryView,
  accessoryListView,
  accessoryPage,
  accessoryQuery,
  type ReferenceListView,
  referenceListView,
  referencePage,
  referenceQuery,
} from '../../protocol/manage/accessories.ts'
import { parsePage } from '../../protocol/manage/paging.ts'
import { parameterOf } from '../../protocol/manage/parameters.ts'
import { formatTime } from '../../protocol/manage/times.ts'
import { parseTag, type Tag } from '../../protocol/oci/names.ts'
import { placeIn, tagIn } from './names.ts'
import { type Answer, type Call, type ManageDeps, type Operation, operation, shown, shows } from './operation.ts'
import { listParametersOf, pageInvalid, pageOf } from './parameters.ts'

const referenceKeys = Object.keys(referenceQuery.shape)
const accessoryKeys = Object.keys(accessoryQuery.shape)

const ofTag = '/namespaces/:organization/repos/:repository/:tag'

/** SWR API, "Querying the Signatures of an Image" and "Querying the Tags of a Signed Image". */
export const tagRelationOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: `${ofTag}/references`,
    name: 'listReferences',
    summary: 'Lists the tags of the image that a signature belongs to, or the other tags of an image.',
    route: 'tag.list-references',
    on: 'repository',
    failureCode: '5001056',
    query: referenceQuery,
    filter: referenceKeys,
    answer: shows(referenceListView),
    errors: ['tag_invalid', 'tag_unknown', 'path_unknown'],
    run: showReferences,
  }),
  operation({
    method: 'GET',
    path: `${ofTag}/accessories`,
    name: 'listRepoAccessories',
    summary: 'Lists signatures and whatever else is attached to an image.',
    route: 'tag.list-accessories',
    on: 'repository',
    failureCode: '5001056',
    query: accessoryQuery,
    filter: accessoryKeys,
    answer: shows(accessoryListView),
    errors: ['tag_invalid', 'tag_unknown', 'path_unknown'],
    run: showAccessories,
  }),
]

async function showReferences(deps: ManageDeps, call: Call): Promise<Answer<ReferenceListView>> {
  const tag = tagBesideLiterals(call)
  const parameters = listParametersOf(call, referenceKeys)
  const page = parsePage(parameterOf(parameters, 'limit'), undefined, referencePage)
  if (page.kind === 'invalid') throw pageInvalid(page.reason)
  const marker = parameterOf(parameters, 'marker')
  if (marker !== undefined && parseTag(marker) === undefined) throw pageInvalid('marker is the next_marker of a page')
  const { tags, hasMore } = await listReferences(deps, call.by.caller, placeIn(call), {
    tag,
    after: marker ?? '',
    limit: page.limit,
  })
  const last = tags.at(-1)
  const next = hasMore && last !== undefined ? { next_marker: last } : {}
  return shown({ ...next, has_more: hasMore, tags })
}

async function showAccessories(deps: ManageDeps, call: Call): Promise<Answer<AccessoryListView>> {
  const tag = tagBesideLiterals(call)
  const parameters = listParametersOf(call, accessoryKeys)
  const { limit, offset } = pageOf(parameters, accessoryPage)
  const place = placeIn(call)
  const list = await listAccessories(deps, call.by.caller, place, { tag, limit, offset })
  const viewOf = (accessory: Accessory): AccessoryView => ({
    id: accessory.id,
    domain_id: list.accountId,
    namespace_name: place.organization,
    repo_name: place.repository,
    sig_tag: accessory.tag,
    sig_digest: accessory.digest,
    target_digest: list.target,
    size: accessory.sizeBytes,
    type: accessory.type,
    created_at: formatTime(accessory.createdMs),
    updated_at: formatTime(accessory.updatedMs),
  })
  return shown({ total: list.total, accessories: list.accessories.map(viewOf) })
}

/**
 * What the API has at the place of the tag in these paths: there a tag of that name can't be asked about, whether or not
 * anything is spoken below it here.
 */
const literals: ReadonlySet<string> = new Set([
  ...['tags', 'access', 'access-domains', 'retentions', 'triggers', 'sync_repo', 'sync_images', 'sync_job'],
])

function tagBesideLiterals(call: Call): Tag {
  const tag = tagIn(call)
  if (!literals.has(tag)) return tag
  throw new DomainError('path_unknown', 'there is nothing at this path of the management API')
}
