import type { OpenApiDocument } from '../src/protocol/openapi/document.ts'

/** The text of an API reference page, from the OpenAPI document that the server gives out at a path. */
export function apiPage(servedAt: string, document: OpenApiDocument): string {
  const calls = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, call]) => ({
      method: method.toUpperCase(),
      path,
      // The document's own type leaves open what a call holds; `openApiDocument` writes just this.
      call: call as unknown as Call,
    })),
  )
  const sections = document.tags.map(({ name, description }) => {
    const ofTag = calls.filter(({ call }) => call.tags.includes(name))
    return [`## ${name}`, description, ...ofTag.map(describeCall)].join('\n\n')
  })
  return [
    '<!-- Generated from what the surfaces declare by `npm run docs`. Changes made here are lost. -->',
    `# ${document.info.title}`,
    `${document.info.description} The server gives the same out as OpenAPI 3.1 at \`${servedAt}\`. Every answer has a header \`x-request-id\`, by which the server's log knows the request.`,
    ...sections,
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n')
}

type Schema = {
  type?: string | readonly string[]
  format?: string
  enum?: readonly unknown[]
  const?: unknown
  description?: string
  properties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
  items?: Schema
  anyOf?: readonly Schema[]
  oneOf?: readonly Schema[]
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
}
type Content = Readonly<Record<string, { schema?: Schema }>>
type Call = {
  operationId: string
  summary: string
  tags: readonly string[]
  parameters?: readonly { name: string; in: string; required: boolean; description: string; schema: Schema }[]
  requestBody?: { content: Content }
  responses: Readonly<
    Record<string, { description: string; headers?: Record<string, { description: string }>; content?: Content }>
  >
}

function describeCall({ method, path, call }: { method: string; path: string; call: Call }): string {
  return [
    `### ${method} ${path}`,
    `${call.summary} (\`${call.operationId}\`)`,
    ...describeParameters(call),
    ...describeBody(call),
    ...describeAnswers(call),
  ].join('\n\n')
}

function describeParameters({ parameters = [] }: Call): string[] {
  if (parameters.length === 0) return []
  const rows = parameters.map(each => [
    `\`${each.name}\``,
    `${each.in}${each.required ? ', mandatory' : ''}`,
    typeOf(each.schema),
    each.description,
  ])
  return [table(['parameter', 'where', 'values', ''], rows)]
}

function describeBody({ requestBody }: Call): string[] {
  if (requestBody === undefined) return []
  const [first] = Object.values(requestBody.content)
  const types = Object.keys(requestBody.content).map(type => `\`${type}\``)
  return [`Body (${types.join(', ')}):`, ...describeSchema(first?.schema)]
}

function describeAnswers({ responses }: Call): string[] {
  const all = Object.entries(responses)
  const successes = all.filter(([status]) => Number(status) < 400)
  const errors = all.filter(([status]) => Number(status) >= 400)
  const described = successes.flatMap(([status, answer]) => {
    const headers = Object.entries(answer.headers ?? {})
      .filter(([name]) => name !== 'x-request-id')
      .map(([name, header]) => `\`${name}\`: ${header.description}`)
    const schema = Object.values(answer.content ?? {})[0]?.schema
    return [
      `**${status}** ${answer.description}`,
      ...(headers.length > 0 ? [headers.map(header => `- ${header}`).join('\n')] : []),
      ...describeSchema(schema),
    ]
  })
  if (errors.length === 0) return described
  const rows = errors.map(([status, { description }]) => [status, description.replaceAll('\n\n', '<br>')])
  return [...described, table(['error', ''], rows)]
}

/** One row a field, those of objects in objects and in lists with their way to it. */
function describeSchema(schema: Schema | undefined): string[] {
  if (schema === undefined) return []
  const rows = fieldsOf(schema, '')
  if (rows.length === 0) return schema.type === 'array' ? [`A list: ${typeOf(schema)}.`] : ['`{}`']
  return [...(schema.type === 'array' ? ['A list of:'] : []), table(['field', '', 'values', ''], rows)]
}

function fieldsOf(schema: Schema, prefix: string): string[][] {
  if (schema.type === 'array') return schema.items ? fieldsOf(schema.items, prefix) : []
  const variants = schema.anyOf ?? schema.oneOf
  if (variants) return uniqueRows(variants.flatMap(variant => fieldsOf(variant, prefix)))
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const way = `${prefix}${name}`
    const isRequired = schema.required?.includes(name) === true
    const suffix = field.type === 'array' ? '[]' : ''
    return [
      [`\`${way}${suffix}\``, isRequired ? '' : 'optional', typeOf(field), field.description ?? ''],
      ...fieldsOf(field, `${way}${suffix}.`),
    ]
  })
}

/** Variants of an object have most fields in common. */
function uniqueRows(rows: string[][]): string[][] {
  const byField = Map.groupBy(rows, ([field]) => field)
  return [...byField.values()].map(same => {
    const values = [...new Set(same.map(row => row[2]))].filter(Boolean).join(', or ')
    return [same[0]?.[0] ?? '', same[0]?.[1] ?? '', values, same[0]?.[3] ?? '']
  })
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``
  if (schema.enum) return schema.enum.map(value => `\`${value}\``).join(', ')
  const variants = schema.anyOf ?? schema.oneOf
  if (variants) return [...new Set(variants.map(typeOf))].join(' or ')
  const type = [schema.type ?? 'anything'].flat().join(' or ')
  if (type === 'array') return `list of ${schema.items ? typeOf(schema.items) : 'anything'}`
  return [type, schema.format, boundsOf(schema)].filter(Boolean).join(', ')
}

function boundsOf({ minimum, maximum, minLength, maxLength }: Schema): string {
  if (maximum !== undefined) return `${minimum ?? ''} to ${maximum}`
  if (minimum !== undefined) return `from ${minimum}`
  if (maxLength !== undefined) return `${minLength ?? 0} to ${maxLength} characters`
  return ''
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')
}
