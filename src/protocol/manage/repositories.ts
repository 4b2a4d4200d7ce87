import { z } from 'zod'
import { categories } from './categories.ts'
import { categoryField, descriptionField, repositoryNameField } from './fields.ts'
import { pageQuery } from './paging.ts'

const isPublicField = z.boolean({ error: 'is_public is true or false' })

/** `POST /v2/manage/namespaces/{ns}/repos`, in the order in which missing and wrong fields are told. */
export const createRepositoryBody = z.object({
  repository: repositoryNameField,
  is_public: isPublicField,
  category: categoryField.nullish(),
  description: descriptionField.nullish(),
})

export type CreateRepositoryBody = z.output<typeof createRepositoryBody>

/** `PATCH /v2/manage/namespaces/{ns}/repos/{repo}`: a field that is absent stays as it is. */
export const updateRepositoryBody = z.object({
  is_public: isPublicField.nullish(),
  category: categoryField.nullish(),
  description: descriptionField.nullish(),
})

export type UpdateRepositoryBody = z.output<typeof updateRepositoryBody>

/** `GET /v2/manage/namespaces/{ns}/repos/{repo}`. Times are `created`/`updated` here and `…_at` in the list. */
export const repositoryView = z.object({
  id: z.int(),
  ns_id: z.int(),
  name: z.string(),
  category: z.string(),
  description: z.string(),
  creator_id: z.string(),
  creator_name: z.string(),
  size: z.int(),
  is_public: z.boolean(),
  num_images: z.int(),
  num_download: z.int(),
  /** What Go SDKs read instead of `num_download`. */
  num_downloads: z.int(),
  url: z.literal(''),
  path: z.string(),
  internal_path: z.string(),
  created: z.iso.datetime(),
  updated: z.iso.datetime(),
  domain_id: z.string(),
  priority: z.int(),
})

export type RepositoryView = z.infer<typeof repositoryView>

/** An entry of `GET /v2/manage/repos`, whose body is the bare array. */
export const repositoryListItem = z.object({
  /** For openstacksdk, which goes on from the last entry's id. */
  id: z.int(),
  name: z.string(),
  category: z.string(),
  description: z.string(),
  size: z.int(),
  is_public: z.boolean(),
  num_images: z.int(),
  num_download: z.int(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  logo: z.literal(''),
  url: z.literal(''),
  path: z.string(),
  internal_path: z.string(),
  domain_name: z.string(),
  namespace: z.string(),
  tags: z.array(z.string()),
  status: z.literal(false),
  /** How many repositories match in all; Terraform pages until it has seen so many. */
  total_range: z.int(),
})

export type RepositoryListItem = z.infer<typeof repositoryListItem>

/** Columns the list can be ordered by, under every name that a document or SDK gives them. */
export const repositoryOrderColumns = {
  name: 'name',
  namespace: 'organization',
  updated_time: 'updated',
  updated_at: 'updated',
  tag_count: 'tags',
  is_public: 'public',
} as const

export type RepositoryOrderColumn = keyof typeof repositoryOrderColumns
export const repositoryOrderColumnNames = Object.keys(repositoryOrderColumns) as RepositoryOrderColumn[]

/** Parameters of lists of repositories by their names. */
export const repositoryNameQuery = {
  namespace: z.string().optional().describe('The whole name of an organization; in `filter` any part of it.'),
  name: z.string().optional().describe('Any part of a repository name, its slashes as `/` or `$`.'),
}

/** Parameters of lists of one's own repositories. */
export const repositoryFilterQuery = {
  ...repositoryNameQuery,
  category: z
    .enum([...categories, 'arms'])
    .optional()
    .describe('Only repositories of this category.'),
  is_public: z.enum(['true', 'false']).optional().describe('Only repositories that everyone may pull, or only others.'),
}

/** What `order_type` of a list can be. */
export const orderTypeField = z.enum(['asc', 'desc']).optional().describe('`asc` unless it is given.')

/** Parameters of the list, plain or in `filter`. */
const repositoryListFilter = z.object({
  ...repositoryFilterQuery,
  ...pageQuery,
  order_column: z.enum(repositoryOrderColumnNames).optional().describe('What the list is ordered by.'),
  order_type: orderTypeField,
  center: z.enum(['self']).optional().describe('Repositories of one’s own, which is all there is to list.'),
})

export const repositoryListKeys = Object.keys(repositoryListFilter.shape)

/** All parameters of the list. */
export const repositoryListQuery = repositoryListFilter.extend({
  marker: z
    .int()
    .min(0)
    .optional()
    .describe('The id of the last repository of the page before, in the default order: the list goes on behind it.'),
})
