import type { Access } from '../../core/access/access.ts'
import type { AccountsDeps } from '../../core/accounts/deps.ts'
import type { Requester, UserCaller } from '../../core/caller.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Identity } from '../../identity/identity.ts'

export type IamDeps = AccountsDeps & {
  access: Access
  identity: Pick<Identity, 'logIn' | 'keystone' | 'ofManagement' | 'provePassword' | 'proveCode' | 'guarded'>
  region: string
  limits: { bodyBytes: number }
}

/** One call of the identity API. */
export type IamOperation = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Names stand as `:user`; HEAD is answered wherever GET is. */
  path: string
  /** What the access line and the metrics call it. */
  route: string
} & (
  | { isOpen: true; run: (deps: IamDeps, call: OpenCall) => Answer }
  | { isOpen?: undefined; run: (deps: IamDeps, call: Call) => Answer }
)

type Answer = Promise<Response> | Response

/** One request that needs no login, or brings its own. */
export type OpenCall = {
  exchange: Exchange
  /** Parts of the path by name, decoded once. */
  path: Readonly<Record<string, string>>
}

/** One request of a user whose proof counts. */
export type Call = OpenCall & { by: Requester & { caller: UserCaller } }

export const gone = (): Response => new Response(null, { status: 204 })
