import {
  editAccessKey,
  getAccessKey,
  listAccessKeysOf,
  makeAccessKey,
  removeAccessKey,
} from '../../core/accounts/for-callers.ts'
import type { AccessKey } from '../../core/accounts/queries.ts'
import { DomainError } from '../../core/errors.ts'
import { readBody } from '../../http/body.ts'
import { type CredentialView, createCredentialBody, updateCredentialBody } from '../../protocol/iam/credentials.ts'
import { authenticate, callerBy, hasProof } from './authenticate.ts'
import { type Call, gone, type IamDeps, type IamOperation, type OpenCall } from './operation.ts'
import { largestLoginBytes, parseJson, pathText, queryText, readJson } from './reading.ts'
import { microseconds } from './representations.ts'
import { issueSecurityToken, readSecurityTokenRequest } from './security-tokens.ts'

const path = '/v3.0/OS-CREDENTIAL/credentials'

/** IAM API, "Managing Access Keys": one's own, and for managers those of every user of the account. */
export const credentialOperations: readonly IamOperation[] = [
  { method: 'POST', path, route: 'iam.credential.create', run: create },
  {
    method: 'GET',
    path,
    route: 'iam.credential.list',
    run: async (deps, call) => {
      const keys = await listAccessKeysOf(deps, call.by, queryText(call, 'user_id'))
      return Response.json({ credentials: keys.map(viewOf) })
    },
  },
  {
    method: 'GET',
    path: `${path}/:key`,
    route: 'iam.credential.show',
    run: async (deps, call) => answer(await getAccessKey(deps, call.by, pathText(call, 'key'))),
  },
  { method: 'PUT', path: `${path}/:key`, route: 'iam.credential.update', run: update },
  {
    method: 'POST',
    path: '/v3.0/OS-CREDENTIAL/securitytokens',
    route: 'iam.security-token.create',
    isOpen: true,
    run: createSecurityToken,
  },
  {
    method: 'DELETE',
    path: `${path}/:key`,
    route: 'iam.credential.delete',
    run: async (deps, call) => {
      await removeAccessKey(deps, call.by, pathText(call, 'key'))
      return gone()
    },
  },
]

async function create(deps: IamDeps, call: Call): Promise<Response> {
  const { credential } = await readJson(call, {
    schema: createCredentialBody,
    limitBytes: deps.limits.bodyBytes,
    expected: 'credential.user_id, and credential.description',
  })
  const description = credential.description ?? ''
  const { id, secret, createdMs } = await makeAccessKey(deps, call.by, { userId: credential.user_id, description })
  const view = viewOf({ id, userId: credential.user_id, isEnabled: true, description, createdMs })
  return Response.json({ credential: { ...view, secret } }, { status: 201, headers: { 'cache-control': 'no-store' } })
}

/** The token stands in the headers or in the body, and where in both in one name. */
async function createSecurityToken(deps: IamDeps, call: OpenCall): Promise<Response> {
  const { exchange } = call
  // What is signed has to be proved before it is parsed; a token may stand in the body alone.
  const proved = hasProof(exchange.request.headers) ? await authenticate(deps, exchange) : undefined
  const body = parseJson(await readBody(exchange, Math.min(deps.limits.bodyBytes, largestLoginBytes)))
  const { tokenId, lifeMs } = readSecurityTokenRequest(body)
  const caller =
    tokenId === undefined ? (proved ?? (await authenticate(deps, exchange))) : await callerBy(deps, exchange, tokenId)
  if (proved !== undefined && proved.userId !== caller.userId) {
    throw new DomainError('credentials_invalid', 'the token in the body is of another user')
  }
  const answer = await issueSecurityToken(deps, { caller, origin: exchange.origin }, lifeMs)
  return Response.json(answer, { status: 201, headers: { 'cache-control': 'no-store' } })
}

async function update(deps: IamDeps, call: Call): Promise<Response> {
  const { credential } = await readJson(call, {
    schema: updateCredentialBody,
    limitBytes: deps.limits.bodyBytes,
    expected: 'credential.status ("active" or "inactive"), credential.description, or both',
  })
  const changed = await editAccessKey(deps, call.by, {
    id: pathText(call, 'key'),
    isEnabled: credential.status ? credential.status === 'active' : undefined,
    description: credential.description ?? undefined,
  })
  return answer(changed)
}

function answer(key: AccessKey): Response {
  return Response.json({ credential: viewOf(key) })
}

function viewOf(key: Omit<AccessKey, 'userName'>): CredentialView {
  return {
    access: key.id,
    user_id: key.userId,
    description: key.description,
    status: key.isEnabled ? 'active' : 'inactive',
    create_time: microseconds(key.createdMs),
  }
}
