import { z } from 'zod'
import { parseTag } from '../oci/names.ts'
import { tagField } from './fields.ts'
import { pageQuery } from './paging.ts'
import { orderTypeField } from './repositories.ts'

/** `POST …/repos/{repo}/tags`. */
export const createTagBody = z.object({
  source_tag: tagField,
  destination_tag: tagField,
  override: z.boolean({ error: 'override is true or false' }).nullish(),
})

export type CreateTagBody = z.output<typeof createTagBody>

/** `GET …/repos/{repo}/tags/{tag}/config`: whatever whoever made the image wrote. */
export const tagConfigView = z.looseObject({})

/** `GET …/repos/{repo}/tags/{tag}`. */
export const tagView = z.object({
  id: z.int(),
  repo_id: z.int(),
  tag: z.string(),
  /** Hex of the config's digest; empty where there is none, as for an index. */
  image_id: z.string(),
  /** The manifest as it was pushed, as text; empty for one that was deleted while the list was made. */
  manifest: z.string(),
  digest: z.string(),
  schema: z.literal(2),
  path: z.string(),
  internal_path: z.string(),
  size: z.int(),
  is_trusted: z.literal(false),
  created: z.iso.datetime(),
  updated: z.iso.datetime(),
  deleted: z.null(),
  domain_id: z.string(),
  scanned: z.literal(false),
  /** 1 for an index. */
  tag_type: z.union([z.literal(0), z.literal(1)]),
})

export type TagView = z.infer<typeof tagView>

/** An entry of `GET …/repos/{repo}/tags`, whose body is the bare array: SDKs read `Tag` there, and `tag` elsewhere. */
export const tagListItem = tagView.extend({ Tag: z.string() })

export type TagListItem = z.infer<typeof tagListItem>

/** Columns the lists can be ordered by, under every name that a document or SDK gives them. */
export const tagOrderColumns = { tag: 'tag', updated_at: 'updated', updated_time: 'updated' } as const

export type TagOrderColumn = keyof typeof tagOrderColumns
export const tagOrderColumnNames = Object.keys(tagOrderColumns) as TagOrderColumn[]

const ordered = {
  tag: z.string().optional().describe('The whole name of a tag.'),
  order_column: z
    .enum(tagOrderColumnNames)
    .optional()
    .describe('What the list is ordered by; `tag` unless it is given.'),
  order_type: orderTypeField,
}

/** Parameters of the list, plain or in `filter`. */
export const tagListQuery = z.object({ ...ordered, ...pageQuery })

export const tagListKeys = Object.keys(tagListQuery.shape)

/** `GET /v3/manage/namespaces/{ns}/repos/{repo}/tags`: manifests are there where they are asked for. */
export const tagListV3Item = tagView.partial({ manifest: true })

export type TagListV3Item = z.infer<typeof tagListV3Item>

/** The marker stands under both names that clients read, and under none on the last page. */
export const tagListV3View = z.object({
  tags: z.array(tagListV3Item),
  nextMarker: z.string().optional(),
  next_marker: z.string().optional(),
  has_more: z.boolean(),
})

export type TagListV3View = z.infer<typeof tagListV3View>

/** Parameters of the v3 list, plain or in `filter`. */
export const tagListV3Query = z.object({
  ...ordered,
  limit: pageQuery.limit,
  marker: z.string().optional().describe('`nextMarker` of the page before, in the same order.'),
  with_manifest: z.enum(['true', 'false']).optional().describe('Whether each tag comes with its manifest.'),
})

export const tagListV3Keys = Object.keys(tagListV3Query.shape)

/** Where a page of the v3 list begins: behind a tag, and in the order by time behind its time, too. */
export type TagMarker = { name: string; updatedMs: number }

export function formatMarker({ name, updatedMs }: TagMarker, by: 'tag' | 'updated'): string {
  return by === 'tag' ? name : `${updatedMs}:${name}`
}

/** Reads what `formatMarker` wrote for the same order; undefined for anything else. */
export function parseMarker(text: string, by: 'tag' | 'updated'): TagMarker | undefined {
  const [, time, name = ''] = /^(?:([0-9]{1,15}):)?(.*)$/s.exec(text) ?? []
  if ((time !== undefined) !== (by === 'updated') || parseTag(name) === undefined) return undefined
  return { name, updatedMs: Number(time ?? 0) }
}
