import { writev as systemWritev } from 'node:fs'

/** One gathered write, as `writev` of node:fs: it may take less than it is given. */
export type Writev = (
  fd: number,
  chunks: readonly Uint8Array[],
  position: number,
  done: (error: Error | null, writtenBytes: number) => void,
) => void

/**
 * Writes all bytes of `chunks` one after another at `position` of the file, however many calls the system wants for
 * it (it may take a part when a disk gets full, or of more than 2 GiB). At most 1,024 chunks (IOV_MAX of POSIX systems).
 * Rejects with the system's error; what is in the file past `position` is then unknown.
 */
export function writeFully(
  fd: number,
  chunks: readonly Uint8Array[],
  position: number,
  writev: Writev = systemWritev,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const writeRest = (rest: readonly Uint8Array[], at: number) => {
      writev(fd, rest, at, (error, writtenBytes) => {
        if (error) return reject(error)
        const left = dropBytes(rest, writtenBytes)
        if (left.length === 0) return resolve()
        // Asking again and again would never end.
        if (writtenBytes === 0) return reject(new Error('the system took no byte of a write and named no error'))
        writeRest(left, at + writtenBytes)
      })
    }
    if (chunks.length === 0) resolve()
    else writeRest(chunks, position)
  })
}

/** The chunks without their first `count` bytes; no empty chunk stays at the front. */
function dropBytes(chunks: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count
  for (const [index, chunk] of chunks.entries()) {
    if (chunk.byteLength > left) return [chunk.subarray(left), ...chunks.slice(index + 1)]
    left -= chunk.byteLength
  }
  return []
}
