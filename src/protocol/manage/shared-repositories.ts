import { z } from 'zod'
import { markerPageQuery, pageQuery } from './paging.ts'
import { orderTypeField, repositoryListItem, repositoryNameQuery } from './repositories.ts'

/** An entry of `GET /v2/manage/shared-repositories`, whose body is the bare array. */
export const sharedRepositoryListItem = repositoryListItem.extend({
  /** Whether a share counts now. */
  status: z.boolean(),
})

export type SharedRepositoryListItem = z.infer<typeof sharedRepositoryListItem>

/** Who shares: the caller's account with others, or others with it. */
export const sharingSides = ['self', 'thirdparty'] as const

/** Columns the list can be ordered by; `updated_time` is what the list of one's own calls it. */
export const sharedRepositoryOrderColumns = {
  name: 'name',
  namespace: 'organization',
  updated_at: 'updated',
  updated_time: 'updated',
  tag_count: 'tags',
  domain_name: 'owner',
} as const

export type SharedRepositoryOrderColumn = keyof typeof sharedRepositoryOrderColumns
export const sharedRepositoryOrderColumnNames = Object.keys(
  sharedRepositoryOrderColumns,
) as SharedRepositoryOrderColumn[]

const side = 'Mandatory. `self`: what the account shares with others; `thirdparty`: what others share with it.'
const statusField = z.enum(['true', 'false']).optional().describe('Only what is shared now, or only what has ended.')

/** Parameters of `GET /v2/manage/shared-repositories`, plain or in `filter`. */
export const sharedRepositoryListQuery = z.object({
  center: z.enum(sharingSides).optional().describe(side),
  ...repositoryNameQuery,
  domain_name: z.string().optional().describe('The whole name of the account that owns the repositories.'),
  status: statusField,
  ...pageQuery,
  order_column: z.enum(sharedRepositoryOrderColumnNames).optional().describe('What the list is ordered by.'),
  order_type: orderTypeField,
})

export const sharedRepositoryListKeys = Object.keys(sharedRepositoryListQuery.shape)

/** Parameters of `GET /v3/manage/shared-repositories`, plain or in `filter`. */
export const sharedRepositoryV3ListQuery = z.object({
  shared_by: z.enum(sharingSides).optional().describe(side),
  ...repositoryNameQuery,
  status: statusField,
  ...markerPageQuery,
})

export const sharedRepositoryV3ListKeys = Object.keys(sharedRepositoryV3ListQuery.shape)
