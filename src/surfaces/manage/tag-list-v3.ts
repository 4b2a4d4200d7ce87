import { listImagesAfter } from '../../core/manifests/images/list-images.ts'
import { type ListParameters, parameterOf } from '../../protocol/manage/parameters.ts'
import {
  formatMarker,
  parseMarker,
  type TagListV3View,
  type TagMarker,
  tagListV3Keys,
  tagListV3Query,
  tagListV3View,
} from '../../protocol/manage/tags.ts'
import { placeIn } from './names.ts'
import { type Answer, type Call, type ManageDeps, type Operation, operation, shownText, shows } from './operation.ts'
import { listParametersOf, oneOf, pageInvalid, pageOf } from './parameters.ts'
import { slicedText } from './sliced.ts'
import { tagViews } from './tag-views.ts'
import { tagOrderOf } from './tags.ts'

/** SWR API, "Querying the Tag List of an Image (v3)". */
export const tagListV3Operations: readonly Operation[] = [
  operation({
    version: 'v3',
    method: 'GET',
    path: '/namespaces/:organization/repos/:repository/tags',
    name: 'listRepositoryTag',
    summary: 'Lists the tags of an image repository, going on behind a marker.',
    route: 'tag.list-v3',
    on: 'repository',
    failureCode: '5001056',
    query: tagListV3Query,
    filter: tagListV3Keys,
    answer: shows(tagListV3View),
    errors: [],
    run: list,
  }),
]

async function list(deps: ManageDeps, call: Call): Promise<Answer<TagListV3View>> {
  const parameters = listParametersOf(call, tagListV3Keys)
  const page = pageOf(parameters)
  const order = tagOrderOf(parameters)
  const tag = parameterOf(parameters, 'tag')
  const withDocuments = oneOf(['true', 'false'], parameters, 'with_manifest') === 'true'
  const { accountId, count, next, slices } = await listImagesAfter(deps, call.by.caller, placeIn(call), {
    ...{ filter: tag === undefined ? {} : { tag }, order, limit: page.limit },
    ...{ after: markerOf(parameters, order.by), withDocuments },
  })
  const viewOf = tagViews(call, accountId)
  const marker = next && formatMarker(next, order.by)
  const markers = marker === undefined ? {} : { nextMarker: marker, next_marker: marker }
  const text = await slicedText({
    head: '{"tags":[',
    tail: `],${JSON.stringify({ ...markers, has_more: marker !== undefined }).slice(1)}`,
    count,
    slices,
    viewOf: image => {
      const { manifest, ...view } = viewOf(image)
      return withDocuments ? { ...view, manifest } : view
    },
  })
  return shownText(text)
}

function markerOf(parameters: ListParameters & { kind: 'parameters' }, by: 'tag' | 'updated'): TagMarker | undefined {
  const text = parameterOf(parameters, 'marker')
  if (text === undefined) return undefined
  const marker = parseMarker(text, by)
  if (marker === undefined) throw pageInvalid('marker is the nextMarker of a page in the same order')
  return marker
}
