import { z } from 'zod'

/**
 * `GET /v2/manage/projects/{project_id}/feature-gates`: the documented switches and those that only the live service
 * shows.
 */
export const featureGatesView = z.object({
  enable_experience: z.boolean(),
  enable_hss_service: z.boolean(),
  enable_image_scan: z.boolean(),
  enable_sm3: z.boolean(),
  enable_image_sync: z.boolean(),
  enable_cci_service: z.boolean(),
  enable_image_label: z.boolean(),
  enable_pipeline: z.boolean(),
  enable_authorization_token: z.boolean(),
  enable_resource: z.boolean(),
  enable_list_v3: z.boolean(),
  enable_image_quota: z.boolean(),
  enable_cosign_signature: z.boolean(),
  enable_enterprise_edition_link: z.boolean(),
  enable_customize_validity_period: z.boolean(),
  swr_util_download_url: z.literal(''),
})

export type FeatureGatesView = z.infer<typeof featureGatesView>
