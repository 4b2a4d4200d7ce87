import { DomainError, isDomainError } from '../../core/errors.ts'
import { readBody } from '../../http/body.ts'
import type { Exchange } from '../../http/exchange.ts'
import { parseFields } from './fields.ts'
import type { BodyDeclaration, ManageDeps } from './operation.ts'

/** Content types of the two forms, which the API took first and still takes. */
export const formTypes = ['multipart/form-data', 'application/x-www-form-urlencoded'] as const

/**
 * The body of a request as an operation declares it. Throws `body_too_large`, `body_type_unsupported`, `body_unparsable`
 * or what `parseFields` throws.
 */
export async function readDeclared<Body>(
  { limits }: Pick<ManageDeps, 'limits'>,
  exchange: Exchange,
  { schema, form }: BodyDeclaration<Body>,
): Promise<Body> {
  const bytes = await readWhole(exchange, limits.bodyBytes)
  const { headers } = exchange.request
  const type = bodyTypeOf(headers)
  if (type === 'json') return parseFields(schema, parseJson(bytes))
  if (form === undefined) throw unsupportedType('send the body as application/json')
  if (type === undefined) throw unsupportedType(`send the body as application/json, ${formTypes.join(' or ')}`)
  return parseFields(schema, await parseForm(bytes, headers.get('content-type') ?? '', form.booleans))
}

async function readWhole(exchange: Exchange, limitBytes: number): Promise<Uint8Array> {
  return readBody(exchange, limitBytes).catch(cause => {
    if (isDomainError(cause)) throw cause
    throw new DomainError('body_unparsable', 'the request body ended early', {}, { cause })
  })
}

/** SWR's pages write the JSON type as `charset=utf-8 application/json` too, and clients leave the header out. */
function bodyTypeOf(headers: Headers): 'json' | 'form' | undefined {
  const words = (headers.get('content-type') ?? 'application/json').toLowerCase().split(/[;,\s]+/)
  if (words.includes('application/json')) return 'json'
  const [first] = words
  return formTypes.some(formType => formType === first) ? 'form' : undefined
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new DomainError('body_unparsable', 'the request body is not JSON in UTF-8', { form: false }, { cause })
  }
}

/**
 * Text `true` and `false` of the fields named as booleans become booleans; a file stays a file, and no schema takes it for
 * text. Of a repeated field the last counts, as in JSON.
 */
async function parseForm(bytes: Uint8Array, contentType: string, booleanFields: readonly string[]): Promise<unknown> {
  const form = await new Response(bytes, { headers: { 'content-type': contentType } }).formData().catch(cause => {
    throw new DomainError('body_unparsable', 'the request body is not a whole form', { form: true }, { cause })
  })
  const fields = new Map<string, unknown>()
  for (const [name, value] of form.entries()) {
    const isTruth = booleanFields.includes(name) && (value === 'true' || value === 'false')
    fields.set(name, isTruth ? value === 'true' : value)
  }
  return Object.fromEntries(fields)
}

function unsupportedType(message: string): DomainError {
  return new DomainError('body_type_unsupported', message)
}
