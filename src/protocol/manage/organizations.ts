import { z } from 'zod'
import { organizationNameField } from './fields.ts'

/** `POST /v2/manage/namespaces`. */
export const createOrganizationBody = z.object({ namespace: organizationNameField })

/** An organization as lists and details show it; `auth` is what the caller may do in it. */
export const organizationView = z.object({
  id: z.int(),
  name: z.string(),
  creator_name: z.string(),
  auth: z.union([z.literal(7), z.literal(3), z.literal(1)]),
  access_user_count: z.int(),
  repo_count: z.int(),
})

export type OrganizationView = z.infer<typeof organizationView>

/** `GET /v2/manage/namespaces`: all of them, without pages. */
export const organizationListView = z.object({ namespaces: z.array(organizationView) })

export type OrganizationListView = z.infer<typeof organizationListView>

/** What `mode` can be. */
export const organizationModes = ['visible'] as const

/** Parameters of the list, plain or in `filter`. */
export const organizationListQuery = z.object({
  namespace: z.string().optional().describe('The whole name of the one organization to list.'),
  mode: z
    .enum(organizationModes)
    .optional()
    .describe('`visible` lists also organizations of which the caller may see only some repositories.'),
})

export const organizationListKeys = Object.keys(organizationListQuery.shape)
