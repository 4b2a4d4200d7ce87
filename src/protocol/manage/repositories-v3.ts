import { z } from 'zod'
import { markerPageQuery } from './paging.ts'
import { repositoryFilterQuery } from './repositories.ts'

/** An entry of `GET /v3/manage/repos`, and of the shared ones. */
export const repositoryV3Item = z.object({
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
  domain_name: z.string(),
  namespace_name: z.string(),
  /** Of one that is shared: whether that counts now. Of one's own it says nothing. */
  status: z.boolean(),
})

export type RepositoryV3Item = z.infer<typeof repositoryV3Item>

/** `nextMarker` is left out of the last page: Terraform takes 0 for a page to go on with. */
export const repositoryV3ListView = z.object({ repos: z.array(repositoryV3Item), nextMarker: z.int().optional() })

export type RepositoryV3ListView = z.infer<typeof repositoryV3ListView>

/** Parameters of `GET /v3/manage/repos`, plain or in `filter`. */
export const repositoryV3ListQuery = z.object({ ...repositoryFilterQuery, ...markerPageQuery })

export const repositoryV3ListKeys = Object.keys(repositoryV3ListQuery.shape)
