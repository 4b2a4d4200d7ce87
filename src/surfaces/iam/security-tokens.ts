import { z } from 'zod'
import {
  createTemporaryKey,
  longestLifeMs,
  shortestLifeMs,
  type TemporaryKey,
  type TemporaryKeyDeps,
} from '../../core/accounts/temporary-keys.ts'
import type { Requester, UserCaller } from '../../core/caller.ts'
import { DomainError } from '../../core/errors.ts'

/**
 * Body of `POST /v3.0/OS-CREDENTIAL/securitytokens` (IAM API, "Obtaining a Temporary Access Key and Security Token
 * Through a Token"). The token stands here or in X-Auth-Token.
 */
export const securityTokenSchema = z.object({
  auth: z.object({
    identity: z.object({
      methods: z.tuple([z.literal('token')]),
      token: z.object({ id: z.string().min(1).optional(), duration_seconds: z.coerce.number().optional() }).optional(),
    }),
  }),
})

/** Its answer. */
export const securityTokenView = z.object({
  credential: z.object({ access: z.string(), secret: z.string(), securitytoken: z.string(), expires_at: z.string() }),
})

export type SecurityTokenRequest = { tokenId: string | undefined; lifeMs: number }

/** Throws `parameter_invalid`; what came is not repeated, as it may hold a token. */
export function readSecurityTokenRequest(body: unknown): SecurityTokenRequest {
  const read = securityTokenSchema.safeParse(body)
  if (!read.success) {
    throw new DomainError('parameter_invalid', 'expected auth.identity with the one method "token"')
  }
  const { token } = read.data.auth.identity
  const lifeMs = (token?.duration_seconds ?? shortestLifeMs / 1000) * 1000
  if (!Number.isInteger(lifeMs / 1000) || lifeMs < shortestLifeMs || lifeMs > longestLifeMs) {
    throw new DomainError('parameter_invalid', 'duration_seconds is a whole number from 900 to 86400')
  }
  return { tokenId: token?.id, lifeMs }
}

export async function issueSecurityToken(
  deps: TemporaryKeyDeps,
  by: Requester & { caller: UserCaller },
  lifeMs: number,
) {
  return credentialBody(await createTemporaryKey(deps, by, lifeMs))
}

function credentialBody({ id, secret, securityToken, expiresMs }: TemporaryKey) {
  const expiresAt = new Date(expiresMs).toISOString().replace('Z', '000Z')
  return { credential: { access: id, secret, securitytoken: securityToken, expires_at: expiresAt } }
}
