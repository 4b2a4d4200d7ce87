import type { RunningHash } from '../../protocol/oci/digest.ts'
import { DomainError } from '../errors.ts'

/** Bytes of a request and what its headers say of them. */
export type UploadBody = {
  stream: ReadableStream<Uint8Array> | null
  /** From Content-Range; the bytes are refused unless they begin at the session's offset. */
  range?: { firstByte: number; lastByte: number }
  /** From Content-Length, where one came. */
  lengthBytes?: number
  /** Told before the first chunk and whenever one came, and when the last has come. */
  watch?: { moved: () => void; over: () => void }
}

/**
 * Moves a request's bytes on, hashing and counting them, and holds their number against what was announced. Throws
 * `size_invalid`, or what reading and writing throw.
 */
export async function copyBody(
  body: UploadBody,
  sink: { hash: RunningHash | undefined; write: (chunk: Uint8Array) => Promise<void> },
): Promise<void> {
  const expected = body.range ? body.range.lastByte - body.range.firstByte + 1 : body.lengthBytes
  let received = 0
  if (body.stream) {
    const reader = body.stream.getReader()
    body.watch?.moved()
    for (;;) {
      const { value, done } = await reader.read()
      if (done) break
      received += value.byteLength
      body.watch?.moved()
      if (expected !== undefined && received > expected) throw wrongSize(`more than ${expected} bytes came`)
      sink.hash?.update(value)
      await sink.write(value)
    }
  }
  body.watch?.over()
  if (expected !== undefined && received !== expected) throw wrongSize(`${received} bytes came, ${expected} announced`)
}

export function wrongSize(message: string): DomainError {
  return new DomainError('size_invalid', message)
}
