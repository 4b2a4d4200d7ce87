import type { StepResult, SweepDeps } from './deps.ts'
import { type SweepState, type SweptKind, sweepStep } from './sweep.ts'

export type SweepRun = {
  /** Nothing is begun after this time. */
  untilMs?: number
  signal?: AbortSignal
  onStep?: (kind: SweptKind, result: StepResult) => void
}

/** Steps of a sweep one after another, until it is over or has to pause; then `isOver` is false, and it goes on there. */
export async function runSweep(
  deps: SweepDeps,
  from: SweepState,
  { untilMs, signal, onStep }: SweepRun = {},
): Promise<{ state: SweepState; isOver: boolean }> {
  let state = from
  for (;;) {
    if (signal?.aborted || (untilMs !== undefined && deps.clock.nowMs() >= untilMs)) return { state, isOver: false }
    if (!(await deps.mayDelete())) return { state, isOver: false }
    const step = await sweepStep(deps, state)
    onStep?.(state.kind, step.result)
    state = step.state
    if (step.isOver) return { state, isOver: true }
    // On SQLite a step that only looks is nothing but microtasks: requests get their turn here.
    await new Promise(resolve => setImmediate(resolve))
  }
}
