import { DomainError } from '../core/errors.ts'
import type { Exchange } from './exchange.ts'

/**
 * Reads a request body of at most `limitBytes`. Throws `body_too_large` as soon as the limit is passed, announced or
 * not, leaving the rest unread; whoever answers then closes the connection (`closing`).
 */
export async function readBody(
  { request, bodyWatch }: Pick<Exchange, 'request' | 'bodyWatch'>,
  limitBytes: number,
): Promise<Uint8Array> {
  const announced = Number(request.headers.get('content-length') ?? 0)
  if (announced > limitBytes) throw tooLarge(limitBytes)
  if (!request.body) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  const reader = request.body.getReader()
  bodyWatch.moved()
  for (;;) {
    const { value, done } = await reader.read()
    if (done) break
    sizeBytes += value.byteLength
    bodyWatch.moved()
    if (sizeBytes > limitBytes) {
      void reader.cancel()
      throw tooLarge(limitBytes)
    }
    chunks.push(value)
  }
  bodyWatch.over()
  const [only] = chunks
  if (chunks.length === 1 && only) return only
  const whole = new Uint8Array(sizeBytes)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return whole
}

/** Marks an answer after which the connection is closed, because the request's body was not read to its end. */
export function closing(response: Response): Response {
  response.headers.set('connection', 'close')
  return response
}

function tooLarge(limitBytes: number): DomainError {
  return new DomainError('body_too_large', `the request body is larger than ${limitBytes} bytes`, { limitBytes })
}
