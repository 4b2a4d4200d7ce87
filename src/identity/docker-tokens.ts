import { randomUUID } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { AccountsDeps } from '../core/accounts/deps.ts'
import type { Caller, GrantedScope } from '../core/caller.ts'
import { DomainError, isDomainError } from '../core/errors.ts'
import { dockerService } from '../protocol/auth/token-endpoint.ts'
import { BoundedMemory } from './bounded-memory.ts'
import { type SigningKeys, signingAlgorithm } from './signing-keys.ts'

/** Replicas' clocks may differ by so much. */
const leewayMs = 30_000
const mostRemembered = 10_000

/**
 * Access tokens of the docker token protocol (distribution, "Token Authentication Implementation"): JWT, ES256. They say
 * who asks and what for at most; whether it may be is asked anew with every request.
 */
export type DockerTokens = {
  /** A token that lives `lifeMs`, or as long as the login where that has an end, for a caller as `docker login` proved it. */
  issue: (caller: Caller, scopes: readonly GrantedScope[]) => Promise<IssuedDockerToken>
  /**
   * The caller of a token, its scopes in it. A token seen before is answered at once, always with the same object until
   * it expires. Throws `credentials_invalid` for whatever is not a token of ours that counts now.
   */
  verify: (token: string) => Caller | Promise<Caller>
}

export type IssuedDockerToken = { token: string; issuedMs: number; lifeMs: number }

export function openDockerTokens({
  clock,
  keys,
  lifeMs,
}: Pick<AccountsDeps, 'clock'> & { keys: SigningKeys; lifeMs: number }): DockerTokens {
  const remembered = new BoundedMemory<string, { caller: Caller; untilMs: number }>(mostRemembered)

  const verifyAnew = async (token: string): Promise<Caller> => {
    const claims = await readToken(token, keys, clock.nowMs())
    const caller = callerOf(claims)
    remembered.set(token, { caller, untilMs: claims.exp * 1000 + leewayMs })
    return caller
  }

  return {
    issue: async (caller, scopes) => {
      const key = await keys.current()
      // Whole seconds, as the claims have them.
      const issuedMs = Math.floor(clock.nowMs() / 1000) * 1000
      const leftMs = Math.floor((endOf(caller) - issuedMs) / 1000) * 1000
      const tokenLifeMs = Math.min(lifeMs, leftMs)
      const token = await new SignJWT(claimsOf(caller, scopes))
        .setProtectedHeader({ alg: signingAlgorithm, typ: 'JWT', kid: key.id })
        .setIssuer(issuer)
        .setSubject(caller.kind === 'user' ? caller.userId : '')
        .setAudience(dockerService)
        .setIssuedAt(issuedMs / 1000)
        .setNotBefore(issuedMs / 1000)
        .setExpirationTime((issuedMs + tokenLifeMs) / 1000)
        .setJti(randomUUID())
        .sign(key.privateKey)
      return { token, issuedMs, lifeMs: tokenLifeMs }
    },
    verify: token => {
      const kept = remembered.get(token)
      if (kept === undefined) return verifyAnew(token)
      if (clock.nowMs() < kept.untilMs) return kept.caller
      remembered.delete(token)
      throw tokenInvalid()
    },
  }
}

const issuer = 'stower'

const claimsSchema = z.object({
  sub: z.string(),
  exp: z.number(),
  iat: z.number(),
  nbf: z.number(),
  jti: z.string(),
  access: z.array(z.object({ type: z.string(), name: z.string(), actions: z.array(z.string()) })),
  /** Absent in tokens of nobody in particular. */
  user: z
    .object({
      name: z.string(),
      epoch: z.number(),
      account: z.object({ id: z.string(), name: z.string() }),
      access_key: z.object({ id: z.string(), epoch: z.number() }).optional(),
      project_id: z.string().optional(),
    })
    .optional(),
})

type Claims = z.infer<typeof claimsSchema>

/**
 * The key is looked for in our own store by its id; keys that a token carries (`jwk`, `jku`, `x5c`) are never looked at
 * (CVE-2025-24976), and neither is the algorithm it wishes for.
 */
async function readToken(token: string, keys: SigningKeys, nowMs: number): Promise<Claims> {
  try {
    const { kid } = decodeProtectedHeader(token)
    const key = kid === undefined ? undefined : await keys.find(kid)
    if (key === undefined) throw tokenInvalid()
    const { payload } = await jwtVerify(token, key, {
      algorithms: [signingAlgorithm],
      issuer,
      audience: dockerService,
      currentDate: new Date(nowMs),
      clockTolerance: leewayMs / 1000,
      requiredClaims: ['sub', 'exp', 'nbf', 'iat', 'jti'],
    })
    const claims = claimsSchema.parse(payload)
    if (claims.iat * 1000 > nowMs + leewayMs) throw tokenInvalid()
    return claims
  } catch (cause) {
    if (isDomainError(cause)) throw cause
    throw tokenInvalid(cause)
  }
}

function claimsOf(caller: Caller, scopes: readonly GrantedScope[]) {
  const access = scopes.map(({ type, name, actions }) => ({ type, name, actions: [...actions] }))
  if (caller.kind === 'anonymous') return { access }
  return {
    access,
    user: {
      name: caller.userName,
      epoch: caller.userEpoch,
      account: { id: caller.accountId, name: caller.accountName },
      ...(caller.accessKey ? { access_key: { id: caller.accessKey.id, epoch: caller.accessKey.epoch } } : {}),
      ...(caller.projectId === undefined ? {} : { project_id: caller.projectId }),
    },
  } satisfies Partial<Claims>
}

function callerOf({ sub, user, access }: Claims): Caller {
  if (user === undefined) return { kind: 'anonymous', scopes: access }
  return {
    kind: 'user',
    userId: sub,
    userName: user.name,
    accountId: user.account.id,
    accountName: user.account.name,
    userEpoch: user.epoch,
    ...(user.access_key ? { accessKey: user.access_key } : {}),
    ...(user.project_id === undefined ? {} : { projectId: user.project_id }),
    scopes: access,
  }
}

function endOf(caller: Caller): number {
  return (caller.kind === 'user' && caller.expiresMs) || Number.POSITIVE_INFINITY
}

function tokenInvalid(cause?: unknown): DomainError {
  return new DomainError('credentials_invalid', 'the token is wrong or expired: log in again', {}, { cause })
}
