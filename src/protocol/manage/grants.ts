import { z } from 'zod'
import { levelField, textField } from './fields.ts'

/** More in one request is no person's list, and every one of them is a row of one transaction. */
export const maxGrantsPerRequest = 500

const grantField = z.object({ user_id: textField('user_id'), user_name: textField('user_name'), auth: levelField })

/** `POST` and `PATCH` of `…/access`, of organizations and of repositories. */
export const grantsBody = listOf(grantField)

export type GrantsBody = z.output<typeof grantsBody>

/** `DELETE …/access`: ids of users. */
export const revokeBody = listOf(textField('user_id'))

export const grantView = z.object({
  user_id: z.string(),
  user_name: z.string(),
  auth: z.union([z.literal(7), z.literal(3), z.literal(1)]),
})

export type GrantView = z.infer<typeof grantView>

/** `GET /v2/manage/namespaces/{ns}/access`. */
export const organizationGrantsView = z.object({
  id: z.int(),
  name: z.string(),
  creator_name: z.string(),
  self_auth: grantView,
  others_auths: z.array(grantView),
})

export type OrganizationGrantsView = z.infer<typeof organizationGrantsView>

/** `GET /v2/manage/namespaces/{ns}/repos/{repo}/access`. */
export const repositoryGrantsView = organizationGrantsView.omit({ creator_name: true })

export type RepositoryGrantsView = z.infer<typeof repositoryGrantsView>

function listOf<Field extends z.ZodType>(field: Field) {
  const rule = `the body is an array of 1 to ${maxGrantsPerRequest} entries`
  return z.array(field, { error: rule }).min(1, { error: rule }).max(maxGrantsPerRequest, { error: rule })
}
