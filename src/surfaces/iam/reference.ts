import type { z } from 'zod'
import { createCredentialBody, updateCredentialBody } from '../../protocol/iam/credentials.ts'
import { bindDeviceBody, createDeviceBody, unbindDeviceBody } from '../../protocol/iam/second-factor.ts'
import { changePasswordBody, createUserBody, updateUserBody } from '../../protocol/iam/users.ts'
import type { ApiCall, Parameter } from '../../protocol/openapi/document.ts'
import { jsonSchemaOf } from '../../protocol/openapi/json-schema.ts'
import { titles } from './errors.ts'
import { createTokenSchema } from './schemas.ts'
import { securityTokenSchema, securityTokenView } from './security-tokens.ts'
import {
  catalogView,
  credentialsView,
  credentialView,
  devicesView,
  deviceView,
  domainsView,
  errorView,
  newCredentialView,
  newDeviceView,
  projectsView,
  roleAssignmentsView,
  rolesView,
  roleView,
  tokenView,
  usersView,
  userView,
  versionView,
} from './views.ts'

export const iamTags = { Identity: 'The calls of Keystone that clients of SWR make first.' }

/** The identity API, for the documents of the API. */
export function iamCalls(): ApiCall[] {
  return [
    call({
      ...{ path: '/v3', operationId: 'showIdentityVersion', summary: 'Shows the version of the identity API.' },
      ...{ view: versionView, errors: [], logins: [] },
    }),
    call({
      ...{ method: 'POST', path: '/v3/auth/tokens', operationId: 'createToken', status: 201, view: tokenView },
      summary: 'Logs in: gives a token in a header.',
      body: createTokenSchema,
      headers: { 'x-subject-token': 'The token.' },
      ...{ errors: [400, 401, 403, 413, 429], logins: ['nobody', 'token'] },
    }),
    call({
      ...{ path: '/v3/auth/tokens', operationId: 'showToken', summary: 'Shows a token of the caller.' },
      ...{ view: tokenView, parameters: [subjectToken], headers: { 'x-subject-token': 'The token.' } },
      errors: [400, 401, 404],
    }),
    call({
      ...{ method: 'DELETE', path: '/v3/auth/tokens', operationId: 'revokeToken', status: 204 },
      ...{ summary: 'Revokes a token of the caller.', parameters: [subjectToken], errors: [400, 401, 404] },
    }),
    call({
      ...{
        method: 'POST',
        path: '/v3.0/OS-CREDENTIAL/securitytokens',
        operationId: 'createSecurityToken',
        status: 201,
      },
      summary: 'Gives an access key that ends, with the security token that goes with it.',
      ...{ body: securityTokenSchema, view: securityTokenView, errors: [400, 401, 413], logins: ['token', 'nobody'] },
    }),
    call({
      ...{ path: '/v3/auth/catalog', operationId: 'showCatalog', summary: 'Shows where the other APIs are.' },
      view: catalogView,
    }),
    ...['/v3/projects', '/v3/auth/projects'].map(path =>
      call({
        ...{ path, operationId: path === '/v3/projects' ? 'listProjects' : 'listOwnProjects', view: projectsView },
        summary: 'Lists the projects of the account.',
        ...{ parameters: [nameParameter, domainParameter, ...pageParameters], errors: [400, 401] },
      }),
    ),
    call({
      ...{ path: '/v3/auth/domains', operationId: 'listDomains', summary: 'Lists the one account of the caller.' },
      ...{ view: domainsView, parameters: [nameParameter], errors: [400, 401] },
    }),
    call({
      ...{ path: '/v3/users', operationId: 'listUsers', summary: 'Lists the users of the account.', view: usersView },
      ...{ parameters: [nameParameter, domainParameter, ...pageParameters], errors: [400, 401] },
    }),
    call({
      ...{ path: '/v3.0/OS-USER/users/{user_id}', operationId: 'showUser', summary: 'Shows a user of the account.' },
      ...{ view: userView, parameters: [userParameter], errors: [400, 401, 404] },
    }),
    ...userCalls(),
    ...credentialCalls(),
    ...roleCalls(),
    ...secondFactorCalls(),
  ]
}

const managing: Pick<Described, 'errors'> = { errors: [400, 401, 403, 404, 409, 413] }

function userCalls(): ApiCall[] {
  const made = { body: createUserBody, view: userView, status: 201, ...managing } as const
  const changed = { body: updateUserBody, view: userView, parameters: [userParameter], ...managing }
  const path = '/v3/users/{user_id}'
  return [
    call({ method: 'POST', path: '/v3/users', operationId: 'createUser', summary: 'Makes a user.', ...made }),
    call({
      ...{ method: 'POST', path: '/v3.0/OS-USER/users', operationId: 'createWholeUser', ...made },
      summary: 'Makes a user with all that IAM keeps of one.',
    }),
    call({
      ...{ path, operationId: 'showKeystoneUser', summary: 'Shows a user of the account.', view: userView },
      ...{ parameters: [userParameter], errors: [400, 401, 404] },
    }),
    call({ method: 'PATCH', path, operationId: 'updateUser', summary: 'Changes a user.', ...changed }),
    call({
      ...{ method: 'PUT', path: '/v3.0/OS-USER/users/{user_id}', operationId: 'updateWholeUser', ...changed },
      summary: 'Changes a user with all that IAM keeps of one.',
    }),
    call({
      ...{ method: 'DELETE', path, operationId: 'deleteUser', summary: 'Removes a user with keys and grants.' },
      ...{ status: 204, parameters: [userParameter], ...managing },
    }),
    call({
      ...{ method: 'POST', path: `${path}/password`, operationId: 'changePassword', status: 204 },
      ...{ summary: 'Changes the own password.', body: changePasswordBody, parameters: [userParameter], ...managing },
    }),
    call({
      ...{ path: `${path}/projects`, operationId: 'listProjectsOfUser', summary: 'Lists the projects of a user.' },
      ...{ view: projectsView, parameters: [userParameter, ...pageParameters], errors: [400, 401, 404] },
    }),
  ]
}

function credentialCalls(): ApiCall[] {
  const path = '/v3.0/OS-CREDENTIAL/credentials'
  const one = `${path}/{access_key}`
  return [
    call({
      ...{ method: 'POST', path, operationId: 'createAccessKey', status: 201, view: newCredentialView, ...managing },
      ...{ summary: 'Makes an access key; the secret key is shown this once.', body: createCredentialBody },
    }),
    call({
      ...{ path, operationId: 'listAccessKeys', summary: 'Lists the access keys of a user.', view: credentialsView },
      parameters: [inQuery('user_id', 'The id of a user; the caller where none is named.', { type: 'string' })],
      errors: [400, 401, 403, 404],
    }),
    call({
      ...{ path: one, operationId: 'showAccessKey', summary: 'Shows an access key.', view: credentialView },
      ...{ parameters: [keyParameter], errors: [400, 401, 404] },
    }),
    call({
      ...{ method: 'PUT', path: one, operationId: 'updateAccessKey', summary: 'Disables, enables or describes a key.' },
      ...{ body: updateCredentialBody, view: credentialView, parameters: [keyParameter], ...managing },
    }),
    call({
      ...{ method: 'DELETE', path: one, operationId: 'deleteAccessKey', summary: 'Removes an access key.' },
      ...{ status: 204, parameters: [keyParameter], ...managing },
    }),
  ]
}

function roleCalls(): ApiCall[] {
  return [
    call({
      ...{ path: '/v3/roles', operationId: 'listRoles', summary: 'Lists the roles there are.', view: rolesView },
      parameters: [nameParameter, inQuery('display_name', 'The whole name.', { type: 'string' })],
      errors: [400, 401],
    }),
    call({
      ...{ path: '/v3/roles/{role_id}', operationId: 'showRole', summary: 'Shows a role.', view: roleView },
      ...{ parameters: [roleParameter], errors: [400, 401, 404] },
    }),
    call({
      ...{ path: '/v3/role_assignments', operationId: 'listRoleAssignments', view: roleAssignmentsView },
      summary: 'Lists what roles a user holds where.',
      parameters: ['user.id', 'role.id', 'scope.project.id', 'scope.domain.id'].map(name =>
        inQuery(name, 'Only those of this id; the caller where no user is named.', { type: 'string' }),
      ),
      errors: [400, 401, 403, 404],
    }),
    ...(['projects', 'domains'] as const).flatMap(kind => rolesAt(kind)),
  ]
}

function secondFactorCalls(): ApiCall[] {
  const path = '/v3.0/OS-MFA/virtual-mfa-devices'
  return [
    call({
      ...{ method: 'POST', path, operationId: 'createSecondFactor', status: 201, view: newDeviceView, ...managing },
      ...{ summary: 'Makes a virtual device; its seed is shown this once.', body: createDeviceBody },
    }),
    call({
      ...{ path, operationId: 'listSecondFactors', summary: 'Lists the bound devices of the account.' },
      ...{ view: devicesView, errors: [401, 403] },
    }),
    call({
      ...{ method: 'DELETE', path, operationId: 'deleteSecondFactor', summary: 'Removes a device.', status: 204 },
      parameters: ['user_id', 'serial_number'].map(name =>
        inQuery(name, 'The user, and the device that is meant.', { type: 'string' }),
      ),
      ...managing,
    }),
    call({
      ...{ path: '/v3.0/OS-MFA/users/{user_id}/virtual-mfa-device', operationId: 'showSecondFactor' },
      ...{ summary: 'Shows the device of a user.', view: deviceView, parameters: [userParameter] },
      errors: [400, 401, 403, 404],
    }),
    call({
      ...{ method: 'PUT', path: '/v3.0/OS-MFA/mfa-devices/bind', operationId: 'bindSecondFactor', status: 204 },
      ...{ summary: 'Binds a device: from now on a login needs its code.', body: bindDeviceBody, ...managing },
    }),
    call({
      ...{ method: 'PUT', path: '/v3.0/OS-MFA/mfa-devices/unbind', operationId: 'unbindSecondFactor', status: 204 },
      ...{ summary: 'Takes a device away, by a code of it.', body: unbindDeviceBody, ...managing },
    }),
  ]
}

function rolesAt(kind: 'projects' | 'domains'): ApiCall[] {
  const [name, word] = kind === 'projects' ? ['project_id', 'Project'] : ['domain_id', 'Domain']
  const place: Parameter = {
    ...{ name, in: 'path', required: true, description: `The id of the ${word.toLowerCase()}.` },
    schema: { type: 'string', minLength: 1 },
  }
  const path = `/v3/${kind}/{${name}}/users/{user_id}/roles`
  const one = { path: `${path}/{role_id}`, parameters: [place, userParameter, roleParameter], status: 204 } as const
  const where = `on the ${word.toLowerCase()}`
  return [
    call({
      ...{ path, operationId: `listRolesOn${word}`, summary: `Lists the roles of a user ${where}.`, view: rolesView },
      ...{ parameters: [place, userParameter], errors: [400, 401, 403, 404] },
    }),
    call({
      ...{ ...one, operationId: `checkRoleOn${word}`, summary: `Says whether a user holds a role ${where}.` },
      errors: [400, 401, 403, 404],
    }),
    call({
      ...{ ...one, method: 'PUT', operationId: `assignRoleOn${word}`, summary: `Gives a user a role ${where}.` },
      ...managing,
    }),
    call({
      ...{ ...one, method: 'DELETE', operationId: `unassignRoleOn${word}`, summary: `Takes a role back ${where}.` },
      ...managing,
    }),
  ]
}

type Described = Pick<ApiCall, 'path' | 'operationId' | 'summary'> & {
  method?: string
  parameters?: readonly Parameter[]
  body?: z.ZodType
  status?: 200 | 201 | 204
  view?: z.ZodType
  headers?: Readonly<Record<string, string>>
  errors?: readonly (keyof typeof titles)[]
  logins?: readonly string[]
}

function call(described: Described): ApiCall {
  const { method = 'GET', parameters = [], body, status = 200, view, headers = {}, errors = [401] } = described
  const json = (schema: z.ZodType, of: 'sent' | 'shown') => ({ 'application/json': jsonSchemaOf(schema, of) })
  return {
    ...{ method, path: described.path, operationId: described.operationId, tag: 'Identity', parameters },
    summary: described.summary,
    ...(body && { body: { isRequired: true, content: json(body, 'sent') } }),
    answers: [
      {
        ...{ status, description: status === 200 ? 'What was asked for.' : 'It is done.', headers },
        ...(view && { content: json(view, 'shown') }),
      },
      ...[...errors, 500, 503].map(error => ({
        ...{ status: error, description: titles[error as keyof typeof titles], headers: {} },
        content: json(errorView, 'shown'),
      })),
    ],
    logins: described.logins ?? ['token'],
  }
}

const subjectToken: Parameter = {
  ...{ name: 'X-Subject-Token', in: 'header', required: true, description: 'The token that is asked about.' },
  schema: { type: 'string' },
}
const userParameter: Parameter = {
  ...{ name: 'user_id', in: 'path', required: true, description: 'The id of a user.' },
  schema: { type: 'string', minLength: 1 },
}
const keyParameter: Parameter = {
  ...{ name: 'access_key', in: 'path', required: true, description: 'The access key (AK).' },
  schema: { type: 'string', minLength: 1 },
}
const roleParameter: Parameter = {
  ...{ name: 'role_id', in: 'path', required: true, description: 'The id of a role.' },
  schema: { type: 'string', minLength: 1 },
}
const nameParameter = inQuery('name', 'The whole name.', { type: 'string' })
const domainParameter = inQuery('domain_id', 'The id of an account; of another than one’s own nothing is listed.', {
  type: 'string',
})
const pageParameters = [
  inQuery('limit', 'How many entries a page has at most.', { type: 'integer', minimum: 1 }),
  inQuery('marker', 'The name of the last entry of the page before.', { type: 'string' }),
]

function inQuery(name: string, description: string, schema: Parameter['schema']): Parameter {
  return { name, in: 'query', required: false, description, schema }
}
