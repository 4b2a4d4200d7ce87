import { type Context, Hono } from 'hono'
import { findProject, findUser, type Page, selectProjects, selectUsers } from '../../core/accounts/queries.ts'
import type { TemporaryKeyDeps } from '../../core/accounts/temporary-keys.ts'
import type { UserCaller } from '../../core/caller.ts'
import { DomainError, isDomainError } from '../../core/errors.ts'
import { closing, readBody } from '../../http/body.ts'
import type { Exchange, Surface } from '../../http/exchange.ts'
import { receivedRequest } from '../../http/received-request.ts'
import { noteRefusal } from '../../http/refusal.ts'
import { callerName, type Identity } from '../../identity/identity.ts'
import { callerOfToken, type KeystoneToken } from '../../identity/keystone-tokens.ts'
import { buildCatalog } from './catalog.ts'
import { errorBody, type IamStatus, iamErrors, signatureErrorBody } from './errors.ts'
import { issueToken } from './issue-token.ts'
import { projectBody, tokenBody, userBody, versionBody } from './representations.ts'
import { type CreateToken, createTokenSchema } from './schemas.ts'
import { issueSecurityToken, readSecurityTokenRequest } from './security-tokens.ts'

export type IamDeps = TemporaryKeyDeps & {
  identity: Pick<Identity, 'logIn' | 'keystone' | 'ofManagement'>
  region: string
  limits: { bodyBytes: number }
}

/**
 * Keystone's identity API as far as clients of SWR use it: tokens, catalog, and the names and ids of the caller's own
 * account (`/v3`, `/v3.0`). Of another account everything looks absent.
 */
export function openIamSurface(deps: IamDeps): Surface {
  const app = new Hono<{ Bindings: Bindings }>({ getPath: pathOf })

  app.get('/v3', c => {
    note(c, 'iam.version')
    return c.json(versionBody(c.env.exchange.baseUrl))
  })

  app.post('/v3/auth/tokens', async c => {
    note(c, 'iam.token.create')
    const asked = await readCreateToken(c.env.exchange, deps.limits.bodyBytes)
    const { token, issued } = await issueToken(deps, asked, c.env.exchange.origin.sourceAddress)
    c.env.exchange.log.caller = callerName(callerOfToken(issued))
    return answerToken(c, deps, { token, found: issued, status: 201 })
  })

  app.get('/v3/auth/tokens', async c => {
    note(c, 'iam.token.show')
    const token = subjectToken(c)
    const found = await findSubject(deps, await authenticate(c, deps), token)
    return answerToken(c, deps, { token, found, status: 200 })
  })

  app.delete('/v3/auth/tokens', async c => {
    note(c, 'iam.token.revoke')
    const token = subjectToken(c)
    await findSubject(deps, await authenticate(c, deps), token)
    await deps.identity.keystone.revoke(token)
    return c.body(null, 204)
  })

  app.post('/v3.0/OS-CREDENTIAL/securitytokens', async c => {
    note(c, 'iam.security-token.create')
    const { exchange } = c.env
    // What is signed has to be proved before it is parsed; a token may stand in the body alone.
    const proved = hasProof(exchange.request.headers) ? await authenticate(c, deps) : undefined
    const body = await readBody(exchange, Math.min(deps.limits.bodyBytes, largestLoginBytes))
    const { tokenId, lifeMs } = readSecurityTokenRequest(parseJson(body))
    const caller = tokenId === undefined ? (proved ?? (await authenticate(c, deps))) : await callerBy(c, deps, tokenId)
    if (proved !== undefined && proved.userId !== caller.userId) {
      throw new DomainError('credentials_invalid', 'the token in the body is of another user')
    }
    const answer = await issueSecurityToken(deps, { caller, origin: exchange.origin }, lifeMs)
    return c.json(answer, 201, { 'cache-control': 'no-store' })
  })

  app.get('/v3/auth/catalog', async c => {
    note(c, 'iam.catalog')
    await authenticate(c, deps)
    const { baseUrl } = c.env.exchange
    return c.json({ catalog: buildCatalog(baseUrl, deps.region), links: { self: `${baseUrl}/v3/auth/catalog` } })
  })

  app.on('GET', ['/v3/projects', '/v3/auth/projects'], async c => {
    note(c, 'iam.project.list')
    const { accountId } = await authenticate(c, deps)
    const page = pageOf(c)
    const name = queryText(c, 'name')
    const projects = !isAsked(c, 'domain_id', accountId)
      ? []
      : name === undefined
        ? await selectProjects(deps.db.read, accountId, page)
        : listOf(await findProject(deps.db.read, accountId, { name }))
    return c.json({ projects: projects.map(projectBody), links: links(c, page, projects) })
  })

  app.get('/v3/auth/domains', async c => {
    note(c, 'iam.domain.list')
    const { accountId, accountName } = await authenticate(c, deps)
    const domains = isAsked(c, 'name', accountName) ? [{ id: accountId, name: accountName, enabled: true }] : []
    return c.json({ domains, links: { self: selfLink(c) } })
  })

  // Whoever may grant needs the ids of the others of the account, so every user of it may list them.
  app.get('/v3/users', async c => {
    note(c, 'iam.user.list')
    const { accountId } = await authenticate(c, deps)
    const page = pageOf(c)
    const name = queryText(c, 'name')
    const users = !isAsked(c, 'domain_id', accountId)
      ? []
      : name === undefined
        ? await selectUsers(deps.db.read, accountId, page)
        : listOf(await findUser(deps.db.read, accountId, { name }))
    return c.json({ users: users.map(userBody), links: links(c, page, users) })
  })

  app.get('/v3.0/OS-USER/users/:id', async c => {
    note(c, 'iam.user.show')
    const { accountId } = await authenticate(c, deps)
    const id = checkText('id', c.req.param('id'))
    const user = await findUser(deps.db.read, accountId, { id })
    if (!user) throw new DomainError('user_unknown', `there is no user ${id}`)
    return c.json({ user: userBody(user) })
  })

  app.notFound(c => {
    note(c, 'iam.unknown')
    return answerError(c.env.exchange, new DomainError('path_unknown', 'there is no such resource'))
  })
  app.onError((error, c) => answerError(c.env.exchange, error))

  return exchange => app.fetch(exchange.request, { exchange })
}

type Bindings = { exchange: Exchange }
type IamContext = Context<{ Bindings: Bindings }>

/** Users and projects of one page, where the caller names no number. */
const mostListed = 1000

/** As routing reads it: below `/iam` too, where some clients are pointed, and with or without a slash at the end. */
function pathOf(_request: Request, options?: { env?: Bindings }): string {
  const path = options?.env?.exchange.url.pathname ?? '/'
  return path.replace(/^\/iam(?=\/)/, '').replace(/(?<=.)\/$/, '')
}

function note(c: IamContext, route: string): void {
  c.env.exchange.log.route = route
}

async function authenticate(c: IamContext, { identity, limits }: Pick<IamDeps, 'identity' | 'limits'>) {
  const caller = await identity.ofManagement(receivedRequest(c.env.exchange, limits.bodyBytes))
  c.env.exchange.log.caller = callerName(caller)
  if (caller.kind !== 'user') throw new DomainError('unauthenticated', 'log in first')
  return caller
}

function hasProof(headers: Headers): boolean {
  return headers.has('x-auth-token') || headers.has('authorization')
}

async function callerBy(c: IamContext, { identity }: Pick<IamDeps, 'identity'>, token: string): Promise<UserCaller> {
  const found = await identity.keystone.find(token)
  if (!found) throw new DomainError('credentials_invalid', 'the token is wrong, expired or revoked: log in again')
  const caller = callerOfToken(found)
  c.env.exchange.log.caller = callerName(caller)
  return caller
}

/** Who logs in is nobody yet, and names, a password and a scope are short. */
const largestLoginBytes = 64 * 1024

async function readCreateToken(exchange: Exchange, limitBytes: number): Promise<CreateToken> {
  const body = parseJson(await readBody(exchange, Math.min(limitBytes, largestLoginBytes)))
  const read = createTokenSchema.safeParse(body)
  if (read.success) return read.data
  // What came is not repeated: it holds a password.
  throw new DomainError(
    'parameter_invalid',
    'expected auth.identity with the one method "password" (user by id, or by name and domain) or "token", and as auth.scope a project, a domain, or nothing',
  )
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // Without its cause: the message of a parse error can repeat the body, and that holds a password.
    throw new DomainError('body_unparsable', 'the body is no JSON')
  }
}

function subjectToken(c: IamContext): string {
  const token = c.env.exchange.request.headers.get('x-subject-token')
  if (token === null) throw new DomainError('parameter_missing', 'name the token in X-Subject-Token')
  return token
}

/** The token that is asked about, which has to be one of the caller's own. Others are unknown. */
async function findSubject(
  { identity }: Pick<IamDeps, 'identity'>,
  caller: { userId: string },
  token: string,
): Promise<KeystoneToken> {
  const found = await identity.keystone.find(token)
  if (found?.user.id === caller.userId) return found
  throw new DomainError('token_unknown', 'there is no such token')
}

function answerToken(
  c: IamContext,
  { region }: Pick<IamDeps, 'region'>,
  answer: { token: string; found: KeystoneToken; status: 200 | 201 },
): Response {
  const hasCatalog = !c.env.exchange.url.searchParams.has('nocatalog')
  const body = tokenBody(answer.found, { baseUrl: c.env.exchange.baseUrl, region, hasCatalog })
  return c.json(body, answer.status, {
    'x-subject-token': answer.token,
    'cache-control': 'no-store',
    vary: 'X-Auth-Token',
  })
}

/** `marker` is the last name of the page before. */
function pageOf(c: IamContext): Page {
  const asked = queryText(c, 'limit')
  const marker = queryText(c, 'marker')
  if (asked !== undefined && !/^[1-9]\d{0,8}$/.test(asked)) {
    throw new DomainError('page_invalid', 'limit is a number from 1', { parameter: 'limit' })
  }
  const limit = Math.min(Number(asked ?? mostListed), mostListed)
  return marker === undefined ? { limit } : { limit, after: marker }
}

function links(c: IamContext, page: Page, rows: readonly { name: string }[]) {
  const last = rows.at(-1)
  const next = new URLSearchParams(c.env.exchange.url.search)
  if (last) next.set('marker', last.name)
  const hasNext = last !== undefined && rows.length === page.limit
  return { self: selfLink(c), previous: null, next: hasNext ? `${pathLink(c)}?${next}` : null }
}

function selfLink(c: IamContext): string {
  return pathLink(c) + c.env.exchange.url.search
}

function pathLink(c: IamContext): string {
  return c.env.exchange.baseUrl + c.env.exchange.url.pathname
}

function queryText(c: IamContext, parameter: string): string | undefined {
  const text = c.env.exchange.url.searchParams.get(parameter)
  return text === null ? undefined : checkText(parameter, text)
}

/** PostgreSQL takes no NUL in a text. */
function checkText(parameter: string, text: string): string {
  if (!text.includes('\0')) return text
  throw new DomainError('parameter_invalid', `${parameter} holds a NUL character`, { parameter })
}

function listOf<T>(found: T | undefined): T[] {
  return found === undefined ? [] : [found]
}

/** True unless the query asks for another value. */
function isAsked(c: IamContext, parameter: string, value: string): boolean {
  const asked = queryText(c, parameter)
  return asked === undefined || asked === value
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
