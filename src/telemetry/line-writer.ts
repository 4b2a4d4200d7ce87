import { write as systemWrite } from 'node:fs'

/** Lines written to a descriptor off the request's path. */
export type LineWriter = {
  write: (line: string) => void
  /** Resolves when everything given so far is written, or when the reader takes nothing for a second. */
  flush: () => Promise<void>
}

/** Lines are gathered for so long, so that many requests share one write. */
const gatherMs = 100
/** Or until there are so many bytes. */
const gatherBytes = 32 * 1024
/** A reader that stands still must not fill the memory: beyond this, lines are dropped and counted. */
const mostHeldBytes = 4 * 1024 * 1024
const flushLimitMs = 1_000

/**
 * A writer of its own, because the usual one (sonic-boom) never ends its last write on Bun 1.4 when the reader of a pipe
 * is gone. A reader that is gone is no error of ours: the lines are lost to nobody.
 */
export function openLineWriter(fd: number): LineWriter {
  let held = ''
  let dropped = 0
  let timer: Timer | undefined
  let isWriting = false

  const writeHeld = () => {
    clearTimeout(timer)
    timer = undefined
    if (isWriting || held === '') return
    const bytes = Buffer.from(held)
    held = ''
    isWriting = true
    writeWhole(fd, bytes, 0, () => {
      isWriting = false
      if (dropped > 0) {
        held = `${JSON.stringify({ level: 'warn', dropped, message: 'lines were dropped: nobody reads them' })}\n${held}`
        dropped = 0
      }
      writeHeld()
    })
  }
  return {
    write: line => {
      if (held.length > mostHeldBytes) {
        dropped++
        return
      }
      held += line
      if (held.length >= gatherBytes && !isWriting) writeHeld()
      else timer ??= setTimeout(writeHeld, gatherMs)
    },
    flush: async () => {
      clearTimeout(timer)
      const giveUpAt = performance.now() + flushLimitMs
      writeHeld()
      while ((isWriting || held !== '') && performance.now() < giveUpAt) await Bun.sleep(1)
    },
  }
}

function writeWhole(fd: number, bytes: Buffer, from: number, done: () => void): void {
  systemWrite(fd, bytes, from, bytes.length - from, null, (error, written) => {
    const isFull = error !== null && (error as NodeJS.ErrnoException).code === 'EAGAIN'
    if (error !== null && !isFull) return done()
    const next = from + (isFull ? 0 : written)
    if (next >= bytes.length) return done()
    if (isFull) setTimeout(() => writeWhole(fd, bytes, next, done), gatherMs)
    else writeWhole(fd, bytes, next, done)
  })
}
