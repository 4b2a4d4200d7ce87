import type { Server } from 'bun'

/**
 * What a surface calls while it reads a long request body: before the first chunk with 0, then with each chunk's size.
 */
export type BodyProgress = (receivedBytes: number) => void

/** So many bytes of bodies may wait to be collected. */
const collectAfterBytes = 16 * 1024 * 1024
let uncollectedBytes = 0

/**
 * Keeps a living transfer alive and its memory small.
 *
 * Bun's timer of a request runs out even while bytes come, so it is pushed on as they do, at most once in a second.
 * And the collector counts a chunk's few bytes of wrapper, not its buffer: left alone, sixteen uploads grow the process
 * by 200 MB of dead chunks. Collecting by what was received is also cheaper, for fresh pages cost more than used ones.
 */
export function bodyProgress(bun: Server<undefined>, request: Request, idleMs: number): BodyProgress {
  const seconds = Math.min(255, Math.ceil(idleMs / 1000))
  let pushedMs = Number.NEGATIVE_INFINITY
  return receivedBytes => {
    uncollectedBytes += receivedBytes
    if (uncollectedBytes > collectAfterBytes) {
      uncollectedBytes = 0
      Bun.gc(true)
    }
    const nowMs = performance.now()
    if (nowMs - pushedMs < 1000) return
    pushedMs = nowMs
    bun.timeout(request, seconds)
  }
}
