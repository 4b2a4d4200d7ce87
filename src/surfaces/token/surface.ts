import type { Access } from '../../core/access/access.ts'
import { DomainError, isDomainError } from '../../core/errors.ts'
import { closing } from '../../http/body.ts'
import type { Exchange, Surface } from '../../http/exchange.ts'
import { noteRefusal } from '../../http/refusal.ts'
import { callerName, type Identity } from '../../identity/identity.ts'
import { parseScopes } from '../../protocol/auth/scopes.ts'
import { dockerService } from '../../protocol/auth/token-endpoint.ts'
import { basicChallenge } from '../../protocol/oci/challenge.ts'
import { errorBody } from '../../protocol/oci/errors.ts'
import { tokenErrors } from './errors.ts'
import { grantScopes } from './grants.ts'

export type TokenDeps = { access: Access; identity: Pick<Identity, 'ofDockerLogin' | 'docker'> }

/**
 * The docker token endpoint, `GET /swr/auth/v2/registry/auth` with or without a slash behind it (distribution, "Token
 * Authentication Specification"). Good credentials or none get a token with the part of the scopes that is granted, bad
 * ones 401. There are no refresh tokens, and the OAuth2 form (POST) is answered 404, as SWR does. `parseScopes` takes at
 * most 64 scopes of a request; the token lacks what comes after.
 */
export function openTokenSurface(deps: TokenDeps): Surface {
  return async exchange => {
    exchange.log.route = 'token'
    try {
      return await issueToken(deps, exchange)
    } catch (error) {
      return answerError(exchange, error)
    }
  }
}

async function issueToken({ access, identity }: TokenDeps, exchange: Exchange): Promise<Response> {
  const { request, url } = exchange
  if (!/^\/swr\/auth\/v2\/registry\/auth\/?$/.test(url.pathname)) throw new DomainError('path_unknown', 'no such page')
  if (request.method !== 'GET') throw new DomainError('method_unsupported', 'ask with GET')
  if (url.searchParams.getAll('service').some(service => service !== dockerService)) {
    throw new DomainError('parameter_invalid', `the service of this registry is ${dockerService}`, {
      parameter: 'service',
    })
  }
  const caller = await identity.ofDockerLogin(request.headers.get('authorization'), exchange.origin.sourceAddress)
  exchange.log.caller = callerName(caller)
  const asked = parseScopes(url.searchParams.getAll('scope'))
  const { granted, refused } = await grantScopes(access, caller, asked)
  if (refused.length > 0) exchange.log.looked = refused
  const { token, issuedMs, lifeMs } = await identity.docker.issue(caller, granted)
  const body = {
    token,
    access_token: token,
    expires_in: Math.floor(lifeMs / 1000),
    issued_at: new Date(issuedMs).toISOString(),
  }
  return Response.json(body, { headers: { 'cache-control': 'no-store' } })
}

function answerError(exchange: Exchange, error: unknown): Response {
  if (!isDomainError(error)) {
    exchange.log.error = error
    return answer(500, errorBody('UNKNOWN', `something broke here; request ${exchange.origin.requestId}`))
  }
  noteRefusal(exchange.log, error)
  const [status, code] = tokenErrors[error.code]
  if (status >= 500) exchange.log.error = error
  const message = status === 401 ? `Authenticate Error: ${error.message}` : error.message
  const response = answer(status, errorBody(code, message))
  if (status === 401) response.headers.set('www-authenticate', basicChallenge(dockerService))
  if (status === 429) response.headers.set('retry-after', '2')
  return exchange.request.body === null ? response : closing(response)
}

function answer(status: number, body: string): Response {
  return new Response(body, { status, headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } })
}
