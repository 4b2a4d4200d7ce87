import type { Database } from '../../metadata/database.ts'
import type { Clock } from '../clock.ts'

/** What applying policies is given, when nobody asked for it. */
export type RetentionDeps = {
  db: Database
  clock: Clock
  /** Asked before each step: whether this installation lets anything be deleted now. */
  mayDelete: () => Promise<boolean>
  /** Told of a policy that could not be applied; it is tried again the next day, and holds up no other. */
  onFailure: (error: unknown, policyId: number) => void
  /** Called between the transactions of a policy, which waits for it: where tests do other things, or end it. */
  atRetentionStep?: (step: 'batch-planned' | 'batch-removed') => void | Promise<void>
}

export type RetentionRun = {
  /** Nothing is begun after this time. */
  untilMs?: number
  signal?: AbortSignal
  /** Told how many tags a transaction removed. */
  onRemoved?: (tags: number) => void
}
