import type { z } from 'zod'
import type { ApiCall, Parameter } from '../../protocol/openapi/document.ts'
import { jsonSchemaOf } from '../../protocol/openapi/json-schema.ts'
import { titles } from './errors.ts'
import { createTokenSchema } from './schemas.ts'
import { securityTokenSchema, securityTokenView } from './security-tokens.ts'
import {
  catalogView,
  domainsView,
  errorView,
  projectsView,
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
