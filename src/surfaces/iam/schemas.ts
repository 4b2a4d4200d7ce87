import { z } from 'zod'

// PostgreSQL takes no NUL in a text.
const text = z
  .string()
  .min(1)
  .max(1024)
  .refine(text => !text.includes('\0'))

/** Keystone names a thing by id or by name; the id wins where both come. */
const named = z.union([z.object({ id: text }), z.object({ name: text })])

const user = z.union([
  z.object({ id: text, password: z.string() }),
  z.object({ name: text, domain: named, password: z.string() }),
])

/** A project's name is looked for in the domain that is given, else in the user's own. */
const project = z.union([z.object({ id: text }), z.object({ name: text, domain: named.optional() })])

/** keystoneauth writes "unscoped" as text, or as an object. */
const scope = z.union([
  z.object({ project }),
  z.object({ domain: named }),
  z.literal('unscoped'),
  z.object({ unscoped: z.unknown() }),
])

/** Of the user of the password, who may be named once more. */
const totp = z.object({
  user: z.object({ id: text.optional(), name: text.optional(), passcode: z.string().max(64) }),
})

const identity = z.union([
  z.object({
    methods: z.union([
      z.tuple([z.literal('password'), z.literal('totp')]),
      z.tuple([z.literal('totp'), z.literal('password')]),
    ]),
    password: z.object({ user }),
    totp,
  }),
  z.object({ methods: z.tuple([z.literal('password')]), password: z.object({ user }) }),
  z.object({ methods: z.tuple([z.literal('token')]), token: z.object({ id: text }) }),
])

/** Body of `POST /v3/auth/tokens` (Identity API v3, "Authentication and token management"). */
export const createTokenSchema = z.object({ auth: z.object({ identity, scope: scope.nullish() }) })

export type CreateToken = z.infer<typeof createTokenSchema>
export type AskedScope = z.infer<typeof scope>
export type Named = z.infer<typeof named>
