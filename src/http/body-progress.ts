import type { Server } from 'bun'

/** What whoever reads a request body calls before the first chunk and whenever one came. */
export type BodyProgress = () => void

/**
 * Keeps a living transfer alive: Bun's timer of a request runs out even while bytes come, so it is pushed on as they do,
 * at most once in a second.
 */
export function bodyProgress(bun: Server<undefined>, request: Request, idleMs: number): BodyProgress {
  const seconds = Math.min(255, Math.ceil(idleMs / 1000))
  let pushedMs = Number.NEGATIVE_INFINITY
  return () => {
    const nowMs = performance.now()
    if (nowMs - pushedMs < 1000) return
    pushedMs = nowMs
    bun.timeout(request, seconds)
  }
}
