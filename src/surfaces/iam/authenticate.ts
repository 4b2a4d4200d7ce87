import type { UserCaller } from '../../core/caller.ts'
import { DomainError } from '../../core/errors.ts'
import type { Exchange } from '../../http/exchange.ts'
import { receivedRequest } from '../../http/received-request.ts'
import { callerName } from '../../identity/identity.ts'
import { callerOfToken } from '../../identity/keystone-tokens.ts'
import type { IamDeps } from './operation.ts'

type Deps = Pick<IamDeps, 'identity' | 'limits'>

/** The user behind a request, by its token or its signature. Throws as `Identity.ofManagement`. */
export async function authenticate({ identity, limits }: Deps, exchange: Exchange): Promise<UserCaller> {
  const caller = await identity.ofManagement(receivedRequest(exchange, limits.bodyBytes))
  exchange.log.caller = callerName(caller)
  if (caller.kind !== 'user') throw new DomainError('unauthenticated', 'log in first')
  return caller
}

/** True where the headers hold a proof, so that whoever sends one is held to it. */
export function hasProof(headers: Headers): boolean {
  return headers.has('x-auth-token') || headers.has('authorization')
}

/** The user behind a token that stands in the body. Throws `credentials_invalid`. */
export async function callerBy({ identity }: Deps, exchange: Exchange, token: string): Promise<UserCaller> {
  const found = await identity.keystone.find(token)
  if (!found) throw new DomainError('credentials_invalid', 'the token is wrong, expired or revoked: log in again')
  const caller = callerOfToken(found)
  exchange.log.caller = callerName(caller)
  return caller
}
