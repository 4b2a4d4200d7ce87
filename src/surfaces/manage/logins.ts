import { createDockerLogin, createTokenLogin, type DockerLogin } from '../../core/accounts/docker-logins.ts'
import { DomainError } from '../../core/errors.ts'
import { dockerLoginCommand } from '../../protocol/auth/login-key.ts'
import {
  createSecretQuery,
  type DockerLoginView,
  dockerLoginHeader,
  dockerLoginHeaders,
  dockerLoginView,
  expiryHeader,
  loginSeconds,
  parseDuration,
} from '../../protocol/manage/logins.ts'
import { formatMicroseconds } from '../../protocol/manage/times.ts'
import { type Answer, type Call, type ManageDeps, type Operation, operation, shown, shows } from './operation.ts'

/** SWR API, "Temporary Login Command". */
export const loginOperations: readonly Operation[] = [
  operation({
    method: 'POST',
    path: '/utils/secret',
    name: 'createSecret',
    summary: 'Hands out a docker login that ends, as the line to paste and as an entry of docker’s configuration.',
    route: 'login.create',
    on: 'organization',
    failureCode: '5001076',
    query: createSecretQuery,
    answer: shows(dockerLoginView, dockerLoginHeaders),
    errors: ['project_unknown'],
    run: createSecret,
  }),
  operation({
    method: 'POST',
    path: '/utils/authorizationtoken',
    name: 'createAuthorizationToken',
    summary: 'Hands out a docker login by a token, which ends and can be revoked by itself.',
    route: 'login.create-token',
    on: 'organization',
    failureCode: '5001076',
    answer: shows(dockerLoginView, dockerLoginHeaders),
    errors: [],
    run: createToken,
  }),
]

async function createSecret(deps: ManageDeps, call: Call): Promise<Answer<DockerLoginView>> {
  const { searchParams } = call.exchange.url
  const projectName = searchParams.get('projectname') || undefined
  const lifeMs = lifeIn(deps, searchParams.get('duration_seconds') || undefined)
  return handedOut(call, await createDockerLogin(deps, call.by, { projectName, region: deps.region, lifeMs }))
}

async function createToken(deps: ManageDeps, call: Call): Promise<Answer<DockerLoginView>> {
  return handedOut(call, await createTokenLogin(deps, call.by, deps.loginLifeMs))
}

/** As configured unless less is asked for: whoever runs the registry says how long a login may last. */
function lifeIn({ loginLifeMs }: ManageDeps, asked: string | undefined): number {
  if (asked === undefined) return loginLifeMs
  const seconds = parseDuration(asked)
  if (seconds !== undefined && seconds * 1000 <= loginLifeMs) return seconds * 1000
  const most = Math.min(loginSeconds.most, Math.floor(loginLifeMs / 1000))
  const reason = `duration_seconds is a whole number from ${loginSeconds.least} to ${most}`
  throw new DomainError('parameter_invalid', 'duration_seconds is invalid', { parameter: 'duration_seconds', reason })
}

/** The host is the one that the registry answers on, without a scheme, as docker takes it. */
function handedOut({ exchange }: Call, { user, password, expiresMs }: DockerLogin): Answer<DockerLoginView> {
  const { host } = new URL(exchange.baseUrl)
  const view = { auths: { [host]: { auth: Buffer.from(`${user}:${password}`).toString('base64') } } }
  return shown(view, {
    [dockerLoginHeader]: dockerLoginCommand({ user, password, host }),
    [expiryHeader]: formatMicroseconds(expiresMs),
    'cache-control': 'no-store',
  })
}
