import { z } from 'zod'
import { type ErrorForm, errorViews } from '../../protocol/manage/envelope.ts'
import { type SwrCode, swrCodes } from '../../protocol/manage/error-codes.ts'
import { pathParts } from '../../protocol/manage/path-parts.ts'
import { versionDetail } from '../../protocol/manage/versions.ts'
import type { ApiCall, CallAnswer, Content, Parameter } from '../../protocol/openapi/document.ts'
import { jsonSchemaOf } from '../../protocol/openapi/json-schema.ts'
import { formTypes } from './body.ts'
import { dockyardOperations } from './dockyard.ts'
import type { Wire } from './errors.ts'
import { errorAnswersOf } from './errors-of.ts'
import { type Operation, pathOf } from './operation.ts'
import { operations } from './surface.ts'

/** The calls of the management API, for the documents of the API. `errorForm`: what its errors look like here. */
export function manageCalls(errorForm: ErrorForm): ApiCall[] {
  const calls = [...operations.map(documentedCall), ...dockyardOperations.map(dockyardCallOf)]
  return [...versionCalls(), ...calls.map(({ operation, ...call }) => withErrors(call, operation, errorForm))]
}

/** Names and descriptions of the parts of this API. */
export const manageTags = {
  Versions: 'Which versions of the management API are spoken.',
  Organizations: 'Organizations, which SWR’s pages call namespaces, and the permissions of users on them.',
  Repositories: 'Image repositories, the permissions of users on them, their tags, shares and retention.',
  Account: 'Figures, quotas and logins of the account.',
  'Docker host': 'What SWR answers on its docker host, for Harbor’s replication.',
}

/** A call without its errors, which differ from server to server. */
type Described = ApiCall & { operation: Operation }

function withErrors(call: ApiCall, operation: Operation, errorForm: ErrorForm): ApiCall {
  return { ...call, answers: [...call.answers, ...errorsByStatus(errorAnswersOf(operation), errorForm)] }
}

function documentedCall(operation: Operation): Described {
  const { name, isAlias, alias, summary } = operation
  const also = alias === undefined ? '' : ` Also at \`${namedParts(alias)}\`.`
  return { ...callOf(operation, pathOf(operation), isAlias ? `${name}Alias` : name), summary: `${summary}${also}` }
}

function dockyardCallOf(operation: Operation): Described {
  const operationId = `dockyard${operation.name[0]?.toUpperCase()}${operation.name.slice(1)}`
  const call = callOf(operation, `/dockyard/v2${operation.path}`, operationId)
  return { ...call, tag: 'Docker host', logins: ['basic'] }
}

function callOf(operation: Operation, path: string, operationId: string): Described {
  const { method, summary, body } = operation
  return {
    method,
    path: namedParts(path),
    operationId,
    tag: tagOf(path),
    summary,
    parameters: [...pathParametersOf(path), ...queryParametersOf(operation)],
    ...(body && { body: { isRequired: true, content: contentOf(body) } }),
    answers: [successOf(operation)],
    logins: ['token'],
    operation,
  }
}

/** With SWR's names of its parts in braces. */
function namedParts(path: string): string {
  return path.replaceAll(/:(\w+)/g, (_, part) => `{${partOf(part).name}}`)
}

function tagOf(path: string): keyof typeof manageTags {
  if (/\/(?:repos|repositories|shared-repositories)(?:\/|$)/.test(path)) return 'Repositories'
  return path.includes('/namespaces') ? 'Organizations' : 'Account'
}

function partOf(part: string) {
  const known = pathParts[part]
  if (known) return known
  throw new Error(`src/protocol/manage/path-parts.ts does not say what :${part} is`)
}

function pathParametersOf(path: string): Parameter[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, part = '']) => ({ ...partOf(part), in: 'path', required: true }))
}

function queryParametersOf({ query, filter }: Operation): Parameter[] {
  if (query === undefined) return []
  const { properties = {} } = z.toJSONSchema(query, { io: 'input' })
  const plain = Object.keys(properties).map((name): Parameter => {
    const { description = '', ...schema } = jsonSchemaOf(query.shape[name] as z.ZodType, 'sent')
    return { name, in: 'query', required: false, description: String(description), schema }
  })
  if (filter === undefined) return plain
  const description = `The same as \`key::value|key::value\`, and then it counts. Keys: ${filter.join(', ')}.`
  return [...plain, { name: 'filter', in: 'query', required: false, description, schema: { type: 'string' } }]
}

function contentOf({ schema, form }: NonNullable<Operation['body']>): Content {
  const json = jsonSchemaOf(schema, 'sent')
  const types = ['application/json', ...(form ? formTypes : [])]
  return Object.fromEntries(types.map(type => [type, json]))
}

function successOf({ answer }: Operation): CallAnswer {
  const { status, view, headers } = answer
  const description = status === 200 ? 'What was asked for.' : 'It is done.'
  const all = { 'x-request-id': requestIdHeader, ...headers }
  if (view === undefined) return { status, description, headers: all }
  return { status, description, headers: all, content: { 'application/json': jsonSchemaOf(view, 'shown') } }
}

const requestIdHeader = 'The id of the request, by which the log of the server knows it.'

function errorsByStatus(wires: readonly Wire[], errorForm: ErrorForm): CallAnswer[] {
  const schema = jsonSchemaOf(errorViews[errorForm], 'shown')
  return [...Map.groupBy(wires, wire => wire.status)]
    .toSorted(([a], [b]) => a - b)
    .map(([status, ofStatus]) => ({
      status,
      description: ofStatus.map(({ code }) => `\`${code}\`: ${meaningOf(code)}`).join('\n\n'),
      headers: { 'x-request-id': requestIdHeader },
      content: { 'application/json': schema },
    }))
}

function meaningOf(code: string): string {
  if (code === 'SVCSTG.S2I.4019000') return 'nobody is logged in'
  if (code === 'APIGW.0301') return 'the signature, its key, its time, or what it names is wrong'
  return swrCodes[Number(code.split('.').at(-1)) as SwrCode]
}

function versionCalls(): ApiCall[] {
  const versions = (path: string, operationId: string, summary: string, view: z.ZodType): ApiCall => ({
    ...{ method: 'GET', path, operationId, tag: 'Versions', summary, parameters: [], logins: [] },
    answers: [
      {
        status: 200,
        description: 'What was asked for.',
        headers: { 'x-request-id': requestIdHeader },
        content: { 'application/json': jsonSchemaOf(view, 'shown') },
      },
    ],
  })
  return [
    versions('/', 'listApiVersions', 'Lists the versions.', z.object({ versions: z.array(versionDetail) })),
    versions('/v2', 'showApiVersion', 'Shows the version.', z.object({ version: versionDetail })),
  ]
}
