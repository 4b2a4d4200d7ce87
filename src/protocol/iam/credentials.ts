import { z } from 'zod'

const description = z
  .string()
  .max(255)
  .regex(/^[^\0]*$/)

/** Body of `POST /v3.0/OS-CREDENTIAL/credentials` (IAM API, "Managing Access Keys"). */
export const createCredentialBody = z.object({
  credential: z.object({ user_id: z.string().min(1), description: description.nullish() }),
})

/** Body of `PUT /v3.0/OS-CREDENTIAL/credentials/{access_key}`; clients write an empty status for none. */
export const updateCredentialBody = z.object({
  credential: z.object({
    status: z.enum(['active', 'inactive', '']).nullish(),
    description: description.nullish(),
  }),
})

/** An access key; its secret is in the answer to its creation alone. */
export type CredentialView = {
  access: string
  user_id: string
  description: string
  status: 'active' | 'inactive'
  create_time: string
}
