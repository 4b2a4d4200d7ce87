import { Hono } from 'hono'
import type { Caller } from '../../core/caller.ts'
import { DomainError, isDomainError } from '../../core/errors.ts'
import { closing } from '../../http/body.ts'
import type { Exchange, Surface } from '../../http/exchange.ts'
import { receivedRequest } from '../../http/received-request.ts'
import { noteRefusal } from '../../http/refusal.ts'
import { callerName, type Identity } from '../../identity/identity.ts'
import { dockerService } from '../../protocol/auth/token-endpoint.ts'
import { type ErrorForm, errorBodyOf } from '../../protocol/manage/envelope.ts'
import { versionDocument, versionList } from '../../protocol/manage/versions.ts'
import { basicChallenge } from '../../protocol/oci/challenge.ts'
import { accountOperations } from './account.ts'
import { readDeclared } from './body.ts'
import { dockyardOperations } from './dockyard.ts'
import { errorAnswer, unforeseenAnswer } from './errors.ts'
import { featureGateOperation } from './feature-gates.ts'
import { grantOperations } from './grants.ts'
import { loginOperations } from './logins.ts'
import {
  type Answer,
  type BodyDeclaration,
  type Call,
  type JsonText,
  type ManageDeps,
  type Operation,
  pathOf,
} from './operation.ts'
import { organizationOperations } from './organizations.ts'
import { repositoryOperations } from './repositories.ts'
import { repositoryListOperations } from './repository-list.ts'
import { repositoryListV3Operations } from './repository-list-v3.ts'
import { retentionOperations } from './retentions.ts'
import { literalsFirst } from './route-order.ts'
import { sharedRepositoryOperations } from './shared-repositories.ts'
import { shareOperations } from './shares.ts'
import { tagConfigOperations } from './tag-config.ts'
import { tagListV3Operations } from './tag-list-v3.ts'
import { tagRelationOperations } from './tag-relations.ts'
import { tagOperations } from './tags.ts'

export type ManageSurfaceDeps = ManageDeps & {
  identity: Pick<Identity, 'ofManagement' | 'ofDockerLogin'>
  errorForm: ErrorForm
  /** Told of every answer of an operation, for whoever compares it with what the operation declares. */
  onAnswer?: (operation: Operation, answer: WireAnswer) => void
}

/** An answer as it goes over the wire. */
export type WireAnswer = { status: number; body: JsonText | undefined; headers: Readonly<Record<string, string>> }

/** Every call of the management API that is spoken here. */
export const operations: readonly Operation[] = [
  ...organizationOperations,
  ...grantOperations,
  ...repositoryOperations,
  ...repositoryListOperations,
  ...repositoryListV3Operations,
  ...shareOperations,
  ...sharedRepositoryOperations,
  ...tagOperations,
  ...tagConfigOperations,
  ...tagListV3Operations,
  ...tagRelationOperations,
  ...loginOperations,
  ...accountOperations,
  featureGateOperation(() => operations),
  ...retentionOperations,
]

/**
 * SWR's management API below `/v2/manage` and `/v3/manage`, and all of it once more below `/swr-api`, where clients that
 * derive its address from the catalog look for it; and the small one below `/dockyard/v2`. Version documents need no login.
 */
export function openManageSurface(deps: ManageSurfaceDeps): Surface {
  const app = new Hono<{ Bindings: Bindings }>({
    // The one parsed URL of the request, percent-encoding kept, so that an encoded slash separates nothing.
    getPath: (_request, { env } = {}) => (env as Bindings).pathname,
  })
  app.get('/', ({ env }) => respond(env.exchange, showVersions(env, versionList(env.apiUrl))))
  for (const path of ['/v2', '/v2/']) {
    app.get(path, ({ env }) => respond(env.exchange, showVersions(env, versionDocument(env.apiUrl))))
  }
  for (const operation of literalsFirst(operations)) {
    app.on(operation.method, pathsOf(operation), async ({ env: { exchange }, req }) => {
      const answer = await perform(deps, operation, { exchange, path: req.param() }, proveByManagement)
      deps.onAnswer?.(operation, answer)
      return respond(exchange, answer)
    })
  }
  for (const operation of dockyardOperations) {
    app.on(operation.method, `/dockyard/v2${operation.path}`, async ({ env: { exchange }, req }) =>
      respond(exchange, challenging(await perform(deps, operation, { exchange, path: req.param() }, proveByDocker))),
    )
  }
  for (const [path, methods] of methodsByPath()) {
    app.all(path, ({ env: { exchange } }) => respond(exchange, refuseMethod(deps, exchange, methods)))
  }
  app.notFound(({ env: { exchange } }) => respond(exchange, refuse(deps, exchange, pathUnknown(), noOperation)))
  app.onError((error, { env: { exchange } }) => respond(exchange, refuse(deps, exchange, error, noOperation)))
  return exchange => {
    exchange.log.route = 'manage.none'
    return app.fetch(exchange.request, bindingsOf(exchange))
  }
}

/** What a request brings along for its handler. `apiUrl` is where the client reached the version list. */
type Bindings = { exchange: Exchange; pathname: string; apiUrl: string }

const prefix = '/swr-api'

function bindingsOf(exchange: Exchange): Bindings {
  const { url, baseUrl } = exchange
  const isBelowPrefix = url.pathname === prefix || url.pathname.startsWith(`${prefix}/`)
  if (!isBelowPrefix) return { exchange, pathname: url.pathname, apiUrl: baseUrl }
  return { exchange, pathname: url.pathname.slice(prefix.length) || '/', apiUrl: `${baseUrl}${prefix}` }
}

function pathsOf(operation: Operation): string[] {
  return [pathOf(operation), ...(operation.alias === undefined ? [] : [operation.alias])]
}

/** By whole path. */
function methodsByPath(): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>()
  for (const operation of literalsFirst(operations)) {
    for (const path of pathsOf(operation)) methods.set(path, [...(methods.get(path) ?? []), operation.method])
  }
  return methods
}

type Prove = (deps: ManageSurfaceDeps, exchange: Exchange) => Promise<Caller>

const proveByManagement: Prove = ({ identity, limits }, exchange) =>
  identity.ofManagement(receivedRequest(exchange, limits.bodyBytes))

const proveByDocker: Prove = ({ identity }, { request, origin }) =>
  identity.ofDockerLogin(request.headers.get('authorization'), origin.sourceAddress)

/** Says how docker's API is logged in to. */
function challenging(answer: WireAnswer): WireAnswer {
  if (answer.status !== 401) return answer
  return { ...answer, headers: { ...answer.headers, 'www-authenticate': basicChallenge(dockerService) } }
}

/** Proves the caller, then runs: of a body nothing is parsed for nobody in particular, and nothing read but for a signature. */
async function perform(
  deps: ManageSurfaceDeps,
  operation: Operation,
  { exchange, path }: Pick<Call, 'exchange' | 'path'>,
  prove: Prove,
): Promise<WireAnswer> {
  const { log, origin } = exchange
  log.route = `manage.${operation.route}`
  try {
    const caller = await prove(deps, exchange)
    if (caller.kind === 'anonymous') throw new DomainError('unauthenticated', 'log in first')
    log.caller = callerName(caller)
    const readBody = () => readDeclared(deps, exchange, bodyOf(operation))
    return wireOf(operation, await operation.run(deps, { by: { caller, origin }, exchange, path, readBody }))
  } catch (error) {
    return refuse(deps, exchange, error, operation)
  }
}

function bodyOf({ body, route }: Operation): BodyDeclaration<unknown> {
  if (body === undefined) throw new Error(`${route} reads a body and declares none`)
  return body
}

function showVersions({ exchange }: Bindings, view: object): WireAnswer {
  exchange.log.route = 'manage.versions'
  return json(200, JSON.stringify(view))
}

function wireOf({ answer: { status } }: Operation, answer: Answer): WireAnswer {
  const { headers } = answer
  if ('text' in answer) return json(status, answer.text, headers)
  return answer.view === undefined
    ? { status, body: undefined, headers }
    : json(status, JSON.stringify(answer.view), headers)
}

function json(status: number, body: JsonText, headers: WireAnswer['headers'] = {}): WireAnswer {
  return { status, body, headers: { 'content-type': 'application/json', ...headers } }
}

/** What failures outside of any operation are called. */
const noOperation = { method: 'GET', on: 'repository', failureCode: '5000007' } as const

/** Turns an error into its answer; a failure of ours is left for the access line, which logs it once. */
function refuse(
  { errorForm }: ManageSurfaceDeps,
  exchange: Exchange,
  error: unknown,
  operation: Pick<Operation, 'method' | 'on' | 'failureCode'>,
): WireAnswer {
  const { requestId } = exchange.origin
  const { status, envelope } = isDomainError(error)
    ? errorAnswer(error, operation, requestId)
    : unforeseenAnswer(operation, requestId)
  if (isDomainError(error)) noteRefusal(exchange.log, error)
  if (status >= 500) exchange.log.error = error
  return json(status, JSON.stringify(errorBodyOf(envelope, errorForm)))
}

function refuseMethod(deps: ManageSurfaceDeps, exchange: Exchange, methods: readonly string[]): WireAnswer {
  const allow = methods.join(', ')
  const error = new DomainError('method_unsupported', 'this path does not take the method', { reason: `use ${allow}` })
  const refused = refuse(deps, exchange, error, noOperation)
  return { ...refused, headers: { ...refused.headers, allow } }
}

function pathUnknown(): DomainError {
  return new DomainError('path_unknown', 'there is nothing at this path of the management API')
}

function respond(exchange: Exchange, answer: WireAnswer): Response {
  // How long a stream gets is known when it is over.
  if (!(answer.body instanceof ReadableStream)) exchange.log.bytes = Buffer.byteLength(answer.body ?? '')
  const response = new Response(answer.body ?? null, { status: answer.status, headers: { ...answer.headers } })
  return hasMuchUnread(exchange.request, answer.status) ? closing(response) : response
}

/** A rest that is announced as short is cheaper to take in than a new connection. */
const shortRestBytes = 64 * 1024

function hasMuchUnread({ body, bodyUsed, headers }: Request, status: number): boolean {
  if (body === null) return false
  if (bodyUsed) return status === 413
  const announced = headers.get('content-length')
  return announced === null || Number(announced) > shortRestBytes
}
