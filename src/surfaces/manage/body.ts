import { DomainError, isDomainError } from '../../core/errors.ts'
import { readBody } from '../../http/body.ts'
import type { Call, ManageDeps } from './operation.ts'

/**
 * The JSON value of a request body, whatever it is. Throws `body_too_large`, `body_type_unsupported` or
 * `body_unparsable`.
 */
export async function readJson({ limits }: ManageDeps, call: Call): Promise<unknown> {
  const bytes = await readWhole(call, limits.bodyBytes)
  const type = bodyTypeOf(call.exchange.request.headers)
  if (type !== 'json') throw unsupportedType('send the body as application/json')
  return parseJson(bytes)
}

/**
 * As `readJson`, or the fields of a form, which the API took first and still takes. Text `true` and `false` of the fields
 * named as booleans become booleans; a file stays a file, and no schema takes it for text. Of a repeated field the last
 * counts, as in JSON.
 */
export async function readJsonOrForm(
  { limits }: ManageDeps,
  call: Call,
  booleanFields: readonly string[],
): Promise<unknown> {
  const bytes = await readWhole(call, limits.bodyBytes)
  switch (bodyTypeOf(call.exchange.request.headers)) {
    case 'json':
      return parseJson(bytes)
    case 'form':
      return parseForm(bytes, call.exchange.request.headers.get('content-type') ?? '', booleanFields)
    case undefined:
      throw unsupportedType(
        'send the body as application/json, multipart/form-data or application/x-www-form-urlencoded',
      )
  }
}

async function readWhole({ exchange }: Call, limitBytes: number): Promise<Uint8Array> {
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
  return first === 'multipart/form-data' || first === 'application/x-www-form-urlencoded' ? 'form' : undefined
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new DomainError('body_unparsable', 'the request body is not JSON in UTF-8', { form: false }, { cause })
  }
}

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
