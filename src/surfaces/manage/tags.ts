import { z } from 'zod'
import { getImage, listImages } from '../../core/manifests/images/list-images.ts'
import type { ImageOrder } from '../../core/manifests/images/queries.ts'
import { removeImage } from '../../core/manifests/removal/remove-image.ts'
import { retag } from '../../core/manifests/retag.ts'
import type { Done } from '../../protocol/manage/done.ts'
import { contentRange, pageHeaders } from '../../protocol/manage/paging.ts'
import { type ListParameters, parameterOf } from '../../protocol/manage/parameters.ts'
import {
  type CreateTagBody,
  createTagBody,
  type TagListItem,
  type TagView,
  tagListItem,
  tagListKeys,
  tagListQuery,
  tagOrderColumnNames,
  tagOrderColumns,
  tagView,
} from '../../protocol/manage/tags.ts'
import { placeIn, tagIn } from './names.ts'
import {
  type Answer,
  type Call,
  done,
  gone,
  isDone,
  isGone,
  type ManageDeps,
  type Operation,
  operation,
  shown,
  shownText,
  shows,
} from './operation.ts'
import { listParametersOf, oneOf, pageOf } from './parameters.ts'
import { slicedText } from './sliced.ts'
import { tagViews } from './tag-views.ts'

const ofAll = { path: '/namespaces/:organization/repos/:repository/tags', on: 'repository' } as const
const ofOne = { path: '/namespaces/:organization/repos/:repository/tags/:tag', on: 'repository' } as const

/** SWR API, "Image Tag Management". */
export const tagOperations: readonly Operation[] = [
  operation({
    ...ofAll,
    method: 'GET',
    name: 'listRepositoryTags',
    summary: 'Lists the tags of an image repository with their manifests, a page at a time.',
    route: 'tag.list',
    failureCode: '5001056',
    query: tagListQuery,
    filter: tagListKeys,
    answer: shows(z.array(tagListItem), pageHeaders),
    errors: [],
    run: list,
  }),
  operation({
    ...ofAll,
    method: 'POST',
    name: 'createRepoTag',
    summary: 'Makes a tag for what another tag names, or with `override` moves one that is there.',
    route: 'tag.create',
    failureCode: '5000085',
    body: { schema: createTagBody },
    answer: isDone,
    errors: ['tag_invalid', 'tag_unknown', 'tag_exists', 'quota_exceeded'],
    run: create,
  }),
  operation({
    ...ofOne,
    method: 'GET',
    name: 'showRepoTag',
    summary: 'Shows a tag with its manifest.',
    route: 'tag.get',
    failureCode: '5000114',
    answer: shows(tagView),
    errors: ['tag_invalid', 'tag_unknown'],
    run: show,
  }),
  operation({
    ...ofOne,
    method: 'DELETE',
    name: 'deleteRepoTag',
    summary:
      'Removes a tag and, where nothing else names it, its image with its signatures and all that belongs to it.',
    route: 'tag.delete',
    failureCode: '5000049',
    answer: isGone,
    errors: ['tag_invalid', 'tag_unknown', 'deletion_disabled'],
    run: remove,
  }),
]

async function list(deps: ManageDeps, call: Call): Promise<Answer<TagListItem[]>> {
  const parameters = listParametersOf(call, tagListKeys)
  const page = pageOf(parameters)
  const tag = parameterOf(parameters, 'tag')
  const { accountId, count, total, slices } = await listImages(deps, call.by.caller, placeIn(call), {
    filter: tag === undefined ? {} : { tag },
    order: tagOrderOf(parameters),
    limit: page.limit,
    offset: page.offset,
  })
  const viewOf = tagViews(call, accountId)
  const text = await slicedText({
    ...{ head: '[', tail: ']', count, slices },
    viewOf: image => {
      const view = viewOf(image)
      return { ...view, Tag: view.tag }
    },
  })
  return shownText(text, { 'content-range': contentRange({ offset: page.offset, count, total }) })
}

/** By name unless a column is given. Documented as a pair; one alone is taken too. */
export function tagOrderOf(parameters: ListParameters & { kind: 'parameters' }): ImageOrder {
  const column = oneOf(tagOrderColumnNames, parameters, 'order_column')
  const direction = oneOf(['asc', 'desc'], parameters, 'order_type') ?? 'asc'
  return { by: column === undefined ? 'tag' : tagOrderColumns[column], direction }
}

async function create(deps: ManageDeps, call: Call<CreateTagBody>): Promise<Answer<Done>> {
  const place = placeIn(call)
  const { source_tag, destination_tag, override } = await call.readBody()
  await retag(deps, call.by, place, {
    source: source_tag,
    destination: destination_tag,
    override: override ?? false,
  })
  return done
}

async function show(deps: ManageDeps, call: Call): Promise<Answer<TagView>> {
  const { image, accountId } = await getImage(deps, call.by.caller, placeIn(call), tagIn(call))
  return shown(tagViews(call, accountId)(image))
}

async function remove(deps: ManageDeps, call: Call): Promise<Answer<undefined>> {
  await removeImage(deps, call.by, placeIn(call), tagIn(call))
  return gone
}
