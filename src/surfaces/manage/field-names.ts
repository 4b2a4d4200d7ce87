import { z } from 'zod'
import type { Operation } from './operation.ts'

/**
 * Names of all that can be wrong in path, query and body of a call: `body` is the body as a whole, and of one that is a list the
 * fields of its entries count.
 */
export function fieldNamesOf({ path, query, body }: Pick<Operation, 'path' | 'query' | 'body'>): readonly string[] {
  const entry = body?.schema instanceof z.ZodArray ? body.schema.element : body?.schema
  const names = [query, entry].flatMap(schema => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : []))
  const parts = path.split('/').flatMap(part => (part.startsWith(':') ? [part.slice(1)] : []))
  return [...parts, ...(body ? ['body'] : []), ...names]
}
