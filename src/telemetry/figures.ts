import type { RequestMetrics } from './request-metrics.ts'

/** The sweep that ended last. */
export type Sweep = { endedMs: number; seconds: number; missing: number }

/** What was measured so far. */
export type Figures = {
  readonly requests: RequestMetrics
  isReady: boolean
  freeBytes: number
  /** By kind. */
  readonly swept: Map<string, { objects: number; bytes: number }>
  agedTags: number
  lastSweep: Sweep
}

/** In the text format of Prometheus. */
export type MetricsPage = { contentType: string; text: string }
