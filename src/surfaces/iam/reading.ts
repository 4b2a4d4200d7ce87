import type { z } from 'zod'
import type { Page } from '../../core/accounts/queries.ts'
import { DomainError } from '../../core/errors.ts'
import { readBody } from '../../http/body.ts'
import type { OpenCall } from './operation.ts'

/**
 * The JSON body by its schema. Throws `body_unparsable`, `body_too_large`, or `parameter_invalid` with `expected`; what
 * came is never repeated, because it may hold a password.
 */
export async function readJson<Schema extends z.ZodType>(
  { exchange }: OpenCall,
  { schema, limitBytes, expected }: { schema: Schema; limitBytes: number; expected: string },
): Promise<z.output<Schema>> {
  const read = schema.safeParse(parseJson(await readBody(exchange, limitBytes)))
  if (read.success) return read.data
  const at = read.error.issues[0]?.path.filter(key => typeof key === 'string').join('.')
  throw new DomainError('parameter_invalid', `expected ${expected}${at ? `; look at ${at}` : ''}`)
}

export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // Without its cause: the message of a parse error can repeat the body.
    throw new DomainError('body_unparsable', 'the body is no JSON')
  }
}

/** Who logs in is nobody yet, and names, a password and a scope are short. */
export const largestLoginBytes = 64 * 1024

/** Users and projects of one page, where the caller names no number. */
const mostListed = 1000

/** `marker` is the last name of the page before. */
export function pageOf(call: OpenCall): Page {
  const asked = queryText(call, 'limit')
  const marker = queryText(call, 'marker')
  if (asked !== undefined && !/^[1-9]\d{0,8}$/.test(asked)) {
    throw new DomainError('page_invalid', 'limit is a number from 1', { parameter: 'limit' })
  }
  const limit = Math.min(Number(asked ?? mostListed), mostListed)
  return marker === undefined ? { limit } : { limit, after: marker }
}

export function links(call: OpenCall, page: Page, rows: readonly { name: string }[]) {
  const last = rows.at(-1)
  const next = new URLSearchParams(call.exchange.url.search)
  if (last) next.set('marker', last.name)
  const hasNext = last !== undefined && rows.length === page.limit
  return { self: selfLink(call), previous: null, next: hasNext ? `${pathLink(call)}?${next}` : null }
}

export function selfLink(call: OpenCall): string {
  return pathLink(call) + call.exchange.url.search
}

function pathLink({ exchange }: OpenCall): string {
  return exchange.baseUrl + exchange.url.pathname
}

export function queryText({ exchange }: OpenCall, parameter: string): string | undefined {
  const text = exchange.url.searchParams.get(parameter)
  return text === null ? undefined : checkText(parameter, text)
}

/** A part of the path. */
export function pathText({ path }: OpenCall, name: string): string {
  return checkText(name, path[name] ?? '')
}

/** PostgreSQL takes no NUL in a text. */
function checkText(parameter: string, text: string): string {
  if (!text.includes('\0')) return text
  throw new DomainError('parameter_invalid', `${parameter} holds a NUL character`, { parameter })
}

/** True unless the query asks for another value. */
export function isAsked(call: OpenCall, parameter: string, value: string): boolean {
  const asked = queryText(call, parameter)
  return asked === undefined || asked === value
}

export function listOf<T>(found: T | undefined): T[] {
  return found === undefined ? [] : [found]
}
