import { isManager } from '../../core/accounts/for-callers.ts'
import { DomainError } from '../../core/errors.ts'
import { callerName } from '../../identity/identity.ts'
import { callerOfToken, type KeystoneToken } from '../../identity/keystone-tokens.ts'
import { issueToken } from './issue-token.ts'
import { type Call, gone, type IamDeps, type IamOperation, type OpenCall } from './operation.ts'
import { largestLoginBytes, readJson } from './reading.ts'
import { tokenBody } from './representations.ts'
import { createTokenSchema } from './schemas.ts'

/** Identity API v3, "Authentication and token management". */
export const tokenOperations: readonly IamOperation[] = [
  { method: 'POST', path: '/v3/auth/tokens', route: 'iam.token.create', isOpen: true, run: create },
  {
    method: 'GET',
    path: '/v3/auth/tokens',
    route: 'iam.token.show',
    run: async (deps, call) => {
      const token = subjectToken(call)
      return answerToken(deps, call, { token, found: await findSubject(deps, call, token), status: 200 })
    },
  },
  {
    method: 'DELETE',
    path: '/v3/auth/tokens',
    route: 'iam.token.revoke',
    run: async (deps, call) => {
      const token = subjectToken(call)
      await findSubject(deps, call, token)
      await deps.identity.keystone.revoke(token)
      return gone()
    },
  },
]

async function create(deps: IamDeps, call: OpenCall): Promise<Response> {
  const asked = await readJson(call, {
    schema: createTokenSchema,
    limitBytes: Math.min(deps.limits.bodyBytes, largestLoginBytes),
    expected:
      'auth.identity with the method "password" (user by id, or by name and domain), with "totp" beside it, or "token", and as auth.scope a project, a domain, or nothing',
  })
  const { token, issued } = await issueToken(deps, asked, call.exchange.origin.sourceAddress)
  call.exchange.log.caller = callerName(callerOfToken(issued))
  return answerToken(deps, call, { token, found: issued, status: 201 })
}

function subjectToken({ exchange }: OpenCall): string {
  const token = exchange.request.headers.get('x-subject-token')
  if (token === null) throw new DomainError('parameter_missing', 'name the token in X-Subject-Token')
  return token
}

/**
 * The token that is asked about: one of the caller's own, or for managers of users one of the own account. Others are
 * unknown.
 */
async function findSubject(deps: IamDeps, { by }: Call, token: string): Promise<KeystoneToken> {
  const found = await deps.identity.keystone.find(token)
  if (found?.user.id === by.caller.userId) return found
  if (found?.user.accountId === by.caller.accountId && (await isManager(deps, by))) return found
  throw new DomainError('token_unknown', 'there is no such token')
}

function answerToken(
  { region }: Pick<IamDeps, 'region'>,
  { exchange }: OpenCall,
  answer: { token: string; found: KeystoneToken; status: 200 | 201 },
): Response {
  const hasCatalog = !exchange.url.searchParams.has('nocatalog')
  const body = tokenBody(answer.found, { baseUrl: exchange.baseUrl, region, hasCatalog })
  return Response.json(body, {
    status: answer.status,
    headers: { 'x-subject-token': answer.token, 'cache-control': 'no-store', vary: 'X-Auth-Token' },
  })
}
