import { z } from 'zod'

/** Parameters of the quotas: with both, the quota of the repository's tags is told too. */
export const quotasQuery = z.object({
  namespace: z.string().optional().describe('An organization, for `repository`.'),
  repository: z.string().optional().describe('A repository of it, its slashes as `/` or `$`: its tags are told, too.'),
})

/** `GET /v2/manage/projects/{project_id}/quotas`; `quota_limit` is -1 where there may be any number. */
export const quotasView = z.object({
  quotas: z.array(
    z.object({
      quota_limit: z.int(),
      quota_key: z.enum(['namespace', 'repository', 'tag']),
      unit: z.literal(''),
      used: z.int(),
    }),
  ),
})

export type QuotasView = z.infer<typeof quotasView>

/** How SWR and its siblings write a limit that is none. */
export const unlimited = -1

/** `GET /v2/manage/overview`: `namspace_num` is spelled so everywhere. Sizes are MB. */
export const overviewView = z.object({
  domain_id: z.string(),
  domain_name: z.string(),
  namspace_num: z.int(),
  repo_num: z.int(),
  image_num: z.int(),
  store_space: z.number(),
  downflow_size: z.number(),
})

export type OverviewView = z.infer<typeof overviewView>

/** `GET /v2/manage/reports/{resource_type}/{frequency}`: oldest first, `value` in MB. */
export const reportView = z.array(z.object({ date: z.iso.date(), value: z.number() }))

export type ReportView = z.infer<typeof reportView>

export const reportTypes = ['downflow', 'store'] as const
export const reportFrequencies = ['daily'] as const

/** `GET /v2/manage/agency`. */
export const agencyView = z.object({ domain_id: z.string(), is_agency: z.boolean() })

export type AgencyView = z.infer<typeof agencyView>

/**
 * Terraform documents sizes as MB, which SWR counts as 1024 × 1024 bytes. By a power of two, so that a double loses
 * nothing: whoever multiplies again has the very number of bytes.
 */
export function megabytes(bytes: number): number {
  return bytes / 2 ** 20
}
