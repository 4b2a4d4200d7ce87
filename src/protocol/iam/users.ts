import { z } from 'zod'

/** What clients keep with a user and read back as they wrote it (IAM API, "Managing IAM Users"). */
const profileFields = {
  description: text(255),
  email: text(255),
  areacode: text(32),
  phone: text(32),
  xuser_type: text(64),
  xuser_id: text(128),
  default_project_id: text(64),
  /** Whether a console should ask for another password at the first login. */
  pwd_status: z.boolean().nullish(),
}

export const profileSchema = z.object(profileFields)
export type Profile = z.infer<typeof profileSchema>
export const profileKeys = Object.keys(profileFields) as readonly (keyof Profile)[]

/** `programmatic` by access keys alone, `console` by the password alone. */
const accessMode = z.enum(['default', 'programmatic', 'console'])

/** Clients write null or an empty text for what they leave out; of a profile an empty text is a value. */
const changes = {
  ...profileFields,
  name: z.string().nullish(),
  password: z.string().nullish(),
  enabled: z.boolean().nullish(),
  domain_id: z.string().nullish(),
  access_mode: accessMode.or(z.literal('')).nullish(),
}

/** Body of `POST /v3/users` and `POST /v3.0/OS-USER/users`; fields nobody knows are left aside. */
export const createUserBody = z.object({ user: z.object({ ...changes, name: z.string().min(1) }) })

/** Body of `PATCH /v3/users/{id}` and `PUT /v3.0/OS-USER/users/{id}`; what is left out stays. */
export const updateUserBody = z.object({ user: z.object(changes) })

export type ChangedUser = z.infer<typeof updateUserBody>['user']

/** Body of `POST /v3/users/{id}/password`. */
export const changePasswordBody = z.object({
  user: z.object({ original_password: z.string(), password: z.string() }),
})

/** A user as everyone of the account sees it. */
export type UserView = { id: string; name: string; domain_id: string; enabled: boolean; links: { self: string } }

/** A user as managers and the user itself see it. */
export type WholeUserView = UserView & {
  description: string
  email: string
  areacode: string
  phone: string
  xuser_type: string
  xuser_id: string
  default_project_id: string
  pwd_status: boolean
  access_mode: z.infer<typeof accessMode>
  is_domain_owner: boolean
  create_time: string
}

function text(most: number) {
  return z
    .string()
    .max(most)
    .regex(/^[^\0]*$/)
    .nullish()
}
