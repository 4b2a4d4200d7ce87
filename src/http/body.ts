import { DomainError } from '../core/errors.ts'
import type { Exchange } from './exchange.ts'

/**
 * An announced body that is too large by no more than this is read to its end and dropped. Clients that send all of it
 * before they listen, as oras does, would see a broken connection instead of the answer.
 */
const mostDroppedBytes = 256 * 1024

/**
 * Reads a request body of at most `limitBytes`. Throws `body_too_large` as soon as the limit is passed, announced or
 * not, leaving the rest of what is much too large unread; whoever answers then closes the connection (`closing`).
 */
export async function readBody(
  { request, bodyWatch }: Pick<Exchange, 'request' | 'bodyWatch'>,
  limitBytes: number,
): Promise<Uint8Array> {
  const announced = Number(request.headers.get('content-length') ?? 0)
  if (announced > limitBytes + mostDroppedBytes) throw tooLarge(limitBytes)
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
    if (sizeBytes <= limitBytes) {
      chunks.push(value)
    } else if (announced <= limitBytes) {
      void reader.cancel()
      throw tooLarge(limitBytes)
    }
  }
  bodyWatch.over()
  if (sizeBytes > limitBytes) throw tooLarge(limitBytes)
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
  const message = `the request body is larger than the ${limitBytes} bytes that are taken here: send less`
  return new DomainError('body_too_large', message, { limitBytes })
}
