import type { FileHandle } from 'node:fs/promises'
import { DomainError } from '../core/errors.ts'
import { translateErrors } from './folder-errors.ts'

const readBytes = 256 * 1024

/**
 * Bytes 0..sizeBytes of an open file, read as they are asked for. Fails with `upload_unknown` when the file ends
 * earlier. `close` is called once, when the stream ends, fails or is cancelled.
 */
export function streamFile(
  file: FileHandle,
  { sizeBytes, close }: { sizeBytes: number; close: () => Promise<void> },
): ReadableStream<Uint8Array> {
  let position = 0

  async function readNext(): Promise<Uint8Array> {
    const buffer = new Uint8Array(Math.min(readBytes, sizeBytes - position))
    const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, position)
    if (bytesRead === 0) throw new DomainError('upload_unknown', 'Staged content ends before its offset.', { position })
    position += bytesRead
    return buffer.subarray(0, bytesRead)
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          if (position < sizeBytes) {
            controller.enqueue(await translateErrors({ doing: 'reading staged content' }, readNext))
            return
          }
          await close()
          controller.close()
        } catch (error) {
          await close()
          throw error
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  )
}
