import { DomainError } from '../core/errors.ts'
import type { Exchange } from './exchange.ts'

/**
 * Reads a request body of at most `limitBytes`. Throws `body_too_large` where it is larger, announced or not, and leaves
 * the rest unread; whoever answers then closes the connection (`closing`). Of a body that is larger by no more than
 * `mostDroppedBytes` the rest is read and dropped first: a client that sends all before it listens would see a broken
 * connection instead of the answer.
 */
export async function readBody(
  { request, bodyWatch, keptBody }: Pick<Exchange, 'request' | 'bodyWatch' | 'keptBody'>,
  limitBytes: number,
  { mostDroppedBytes = 0 }: { mostDroppedBytes?: number } = {},
): Promise<Uint8Array> {
  if (keptBody !== undefined) {
    if (keptBody.byteLength > limitBytes) throw tooLarge(limitBytes)
    return keptBody
  }
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
      continue
    }
    chunks.length = 0
    if (sizeBytes <= limitBytes + mostDroppedBytes) continue
    void reader.cancel()
    throw tooLarge(limitBytes)
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

/**
 * Reads and drops a body that nobody has begun to read, for the answer to a request that is refused: a client that sends
 * all before it listens would see a broken connection instead. Leaves off after `mostMs` or `mostBytes`, and reads nothing
 * of what is announced as longer. Whoever answers closes the connection all the same.
 */
export async function dropBody(
  { request, bodyWatch }: Pick<Exchange, 'request' | 'bodyWatch'>,
  { mostBytes, mostMs }: { mostBytes: number; mostMs: number },
): Promise<void> {
  const announced = Number(request.headers.get('content-length') ?? 0)
  if (!request.body || request.bodyUsed || announced > mostBytes) return
  const reader = request.body.getReader()
  // Where the client went away there is nobody left to answer.
  const leaveOff = () => void reader.cancel().catch(() => {})
  const timer = setTimeout(leaveOff, mostMs)
  for (let left = mostBytes; left >= 0; ) {
    bodyWatch.moved()
    const { value, done } = await reader.read().catch(() => ({ value: undefined, done: true }) as const)
    if (done) break
    left -= value.byteLength
  }
  clearTimeout(timer)
  leaveOff()
  bodyWatch.over()
}

/** Marks an answer after which the connection is closed, because the request's body was not read to its end. */
export function closing(response: Response): Response {
  response.headers.set('connection', 'close')
  return response
}

function tooLarge(limitBytes: number): DomainError {
  return new DomainError(
    'body_too_large',
    `the request body is larger than the ${limitBytes} bytes that are taken here: send less`,
    { limitBytes },
  )
}
