import type { JsonSchema } from './json-schema.ts'

/** A parameter of a call, or a header of an answer. */
export type Parameter = {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  description: string
  schema: JsonSchema
  example?: string
}

/** By media type; undefined where the content has no schema, because it is whatever was pushed. */
export type Content = Readonly<Record<string, JsonSchema | undefined>>

/** One answer of a call. No `content`, no body. */
export type CallAnswer = {
  status: number
  description: string
  headers: Readonly<Record<string, string>>
  content?: Content
}

/** One call of an API, as the documents describe it. */
export type ApiCall = {
  method: string
  /** With its parameters in braces. */
  path: string
  operationId: string
  tag: string
  summary: string
  parameters: readonly Parameter[]
  body?: { isRequired: boolean; content: Content }
  answers: readonly CallAnswer[]
  /** Names of `Info.logins`, one of which the call takes, and `nobody` where it takes those without, too. */
  logins: readonly string[]
}

export type Info = {
  title: string
  version: string
  description: string
  /** Descriptions by tag, in the order in which they are shown. */
  tags: Readonly<Record<string, string>>
  /** Security schemes of OpenAPI by name. */
  logins: Readonly<Record<string, JsonSchema>>
}

/** An OpenAPI document, as far as this code looks into one. */
export type OpenApiDocument = {
  openapi: string
  info: { title: string; version: string; description: string }
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, JsonSchema>>
  components: { securitySchemes: Info['logins'] }
}

/** OpenAPI 3.1 of calls. Throws where two of them are of one method and path, or of one id. */
export function openApiDocument(info: Info, calls: readonly ApiCall[]): OpenApiDocument {
  const paths: OpenApiDocument['paths'] = {}
  const ids = new Set<string>()
  for (const call of calls) {
    const method = call.method.toLowerCase()
    const item = paths[call.path] ?? {}
    if (item[method] !== undefined || ids.has(call.operationId)) {
      throw new Error(`${call.method} ${call.path} (${call.operationId}) is described twice`)
    }
    ids.add(call.operationId)
    item[method] = describeCall(call)
    paths[call.path] = item
  }
  return {
    openapi: '3.1.0',
    info: { title: info.title, version: info.version, description: info.description },
    tags: Object.entries(info.tags).map(([name, description]) => ({ name, description })),
    paths,
    components: { securitySchemes: info.logins },
  }
}

function describeCall(call: ApiCall): JsonSchema {
  const { operationId, summary, tag, parameters, body, answers, logins } = call
  return {
    operationId,
    summary,
    tags: [tag],
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: body.isRequired, content: describeContent(body.content) } }),
    responses: Object.fromEntries(answers.map(answer => [String(answer.status), describeAnswer(answer)])),
    security: logins.map(login => (login === 'nobody' ? {} : { [login]: [] })),
  }
}

function describeAnswer({ description, headers, content }: CallAnswer): JsonSchema {
  const described = Object.entries(headers).map(([name, what]) => [
    name,
    { description: what, schema: { type: 'string' } },
  ])
  return {
    description,
    ...(described.length > 0 && { headers: Object.fromEntries(described) }),
    ...(content && { content: describeContent(content) }),
  }
}

function describeContent(content: Content): JsonSchema {
  return Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, schema ? { schema } : {}]))
}
