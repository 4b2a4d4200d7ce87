import { type Context, Hono } from 'hono'
import { DomainError, isDomainError } from '../../core/errors.ts'
import { closing } from '../../http/body.ts'
import type { Exchange, Surface } from '../../http/exchange.ts'
import { noteRefusal } from '../../http/refusal.ts'
import { authenticate } from './authenticate.ts'
import { credentialOperations } from './credentials.ts'
import { errorBody, type IamStatus, iamErrors, signatureErrorBody } from './errors.ts'
import { lookupOperations } from './lookups.ts'
import type { IamDeps, IamOperation } from './operation.ts'
import { roleOperations } from './roles.ts'
import { secondFactorOperations } from './second-factor.ts'
import { tokenOperations } from './tokens.ts'
import { userOperations } from './users.ts'

/** Every call of the identity API that is spoken here. */
export const iamOperations: readonly IamOperation[] = [
  ...lookupOperations,
  ...tokenOperations,
  ...userOperations,
  ...credentialOperations,
  ...roleOperations,
  ...secondFactorOperations,
]

/**
 * Keystone's identity API and IAM's additions to it, as far as clients of SWR use them (`/v3`, `/v3.0`), and all of it once
 * more below `/iam`. Of another account everything looks absent.
 */
export function openIamSurface(deps: IamDeps): Surface {
  const app = new Hono<{ Bindings: Bindings }>({ getPath: pathOf })
  for (const operation of iamOperations) {
    app.on(operation.method, operation.path, c => perform(deps, operation, c))
  }
  app.notFound(({ env: { exchange } }) => {
    exchange.log.route = 'iam.unknown'
    return answerError(exchange, new DomainError('path_unknown', 'there is no such resource'))
  })
  app.onError((error, { env: { exchange } }) => answerError(exchange, error))
  return exchange => app.fetch(exchange.request, { exchange })
}

type Bindings = { exchange: Exchange }

/** As routing reads it: below `/iam` too, where some clients are pointed, and with or without a slash at the end. */
function pathOf(_request: Request, options?: { env?: Bindings }): string {
  const path = options?.env?.exchange.url.pathname ?? '/'
  return path.replace(/^\/iam(?=\/|$)/, '').replace(/(?<=.)\/$/, '') || '/'
}

/** Proves the caller, then runs: nothing of a body is read for nobody in particular, but of a login. */
async function perform(deps: IamDeps, operation: IamOperation, c: Context<{ Bindings: Bindings }>): Promise<Response> {
  const { exchange } = c.env
  const path = c.req.param()
  exchange.log.route = operation.route
  if (operation.isOpen) return operation.run(deps, { exchange, path })
  const caller = await authenticate(deps, exchange)
  return operation.run(deps, { exchange, path, by: { caller, origin: exchange.origin } })
}

function answerError(exchange: Exchange, error: unknown): Response {
  const status: IamStatus = isDomainError(error) ? iamErrors[error.code] : 500
  if (isDomainError(error)) noteRefusal(exchange.log, error)
  if (status >= 500) exchange.log.error = error
  const message = isDomainError(error) ? error.message : `something broke here; request ${exchange.origin.requestId}`
  const isOfSignature = isDomainError(error) && error.detail.proof === 'signature'
  const response = Response.json(isOfSignature ? signatureErrorBody(message) : errorBody(status, message), { status })
  if (status === 401) response.headers.set('www-authenticate', `Keystone uri="${exchange.baseUrl}/v3"`)
  if (status === 429) response.headers.set('retry-after', '2')
  const isUnread = exchange.request.body !== null && !exchange.request.bodyUsed
  return isUnread || status === 413 ? closing(response) : response
}
