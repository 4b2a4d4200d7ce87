import { z } from 'zod'
import { repositoryListItem } from './repositories.ts'

/** An entry of `GET /v2/manage/shared-repositories`, whose body is the bare array. */
export const sharedRepositoryListItem = repositoryListItem.extend({
  /** Whether a share counts now. */
  status: z.boolean(),
})

export type SharedRepositoryListItem = z.infer<typeof sharedRepositoryListItem>

/** Who shares: the caller's account with others, or others with it. */
export const sharingSides = ['self', 'thirdparty'] as const

/** Parameters of `GET /v2/manage/shared-repositories`, plain or in `filter`. */
export const sharedRepositoryListKeys = [
  'center',
  'namespace',
  'name',
  'domain_name',
  'status',
  'limit',
  'offset',
  'order_column',
  'order_type',
] as const

/** Columns that list can be ordered by; `updated_time` is what the list of one's own calls it. */
export const sharedRepositoryOrderColumns = {
  name: 'name',
  namespace: 'organization',
  updated_at: 'updated',
  updated_time: 'updated',
  tag_count: 'tags',
  domain_name: 'owner',
} as const

/** Parameters of `GET /v3/manage/shared-repositories`. */
export const sharedRepositoryV3ListKeys = ['shared_by', 'namespace', 'name', 'status', 'limit', 'marker'] as const
