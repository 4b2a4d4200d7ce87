import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Requests that signers which are not ours made and sent, as they came: `vectors/` has one file a signer. `body` is text
 * with one character a byte.
 */
export type SignedVector = {
  what: string
  method: string
  /** Path and query as in the request line. */
  target: string
  headers: readonly (readonly [name: string, value: string])[]
  body: string
}

export type Vectors = { signer: string; accessKey: string; secretKey: string; requests: readonly SignedVector[] }

const folder = join(import.meta.dir, 'vectors')

export const allVectors: readonly Vectors[] = readdirSync(folder).map(
  name => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Vectors,
)

export function headerOf({ headers }: Pick<SignedVector, 'headers'>, name: string): string | null {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1] ?? null
}
