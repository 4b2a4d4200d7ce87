import type { Server } from 'bun'

/** What whoever reads a request body tells of it. */
export type BodyWatch = {
  /** Before the first chunk, and whenever one came: without it for the configured time the connection is cut. */
  moved: () => void
  /** The body is whole: what is done with it may take as long as it takes. */
  over: () => void
}

/** The longest time Bun's timer knows. */
export const longestIdleMs = 255_000

/**
 * Keeps a living transfer alive: Bun's timer of a request runs out even while bytes come, so it is pushed on as they do,
 * at most once in a second.
 */
export function bodyWatch(bun: Server<undefined>, request: Request, idleMs: number): BodyWatch {
  const seconds = Math.ceil(idleMs / 1000)
  let pushedMs = Number.NEGATIVE_INFINITY
  return {
    moved: () => {
      const nowMs = performance.now()
      if (nowMs - pushedMs < 1000) return
      pushedMs = nowMs
      bun.timeout(request, seconds)
    },
    over: () => bun.timeout(request, 0),
  }
}
