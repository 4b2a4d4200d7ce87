import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { type AnsweredRequest, RequestMetrics } from './request-metrics.ts'

/**
 * Every metric of the program (names with units, few labels: kinds of routes, never paths).
 */
export type Metrics = {
  registry: Registry
  /** One answered request. */
  observeRequest: (request: AnsweredRequest) => void
  /** What `/readyz` found last: 1 ready, 0 not. */
  setReady: (isReady: boolean) => void
  /** Room left where blobs are kept. */
  setFreeBytes: (bytes: number) => void
  /** What a step of a sweep removed: of this kind so many, with so many bytes of storage. */
  countSwept: (kind: string, objects: number, bytes: number) => void
  /** Tags that went by retention policies. */
  countAgedTags: (tags: number) => void
  /** A sweep that is over: when it ended, how long it took, and how many blobs it found without their bytes. */
  setSweep: (sweep: { endedMs: number; seconds: number; missing: number }) => void
}

export function openMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const requests = new RequestMetrics(registry)
  const ready = new Gauge({
    name: 'stower_ready',
    help: '1 when the last readiness check passed.',
    registers: [registry],
  })
  const free = new Gauge({
    name: 'stower_blob_store_free_bytes',
    help: 'Bytes that can still be written to the blob store, as of the last readiness check.',
    registers: [registry],
  })
  const swept = new Counter({
    name: 'stower_gc_removed_objects_total',
    help: 'What sweeps of this process removed, by kind: links to blobs, manifest bodies, blobs, stray content.',
    labelNames: ['kind'],
    registers: [registry],
  })
  const sweptBytes = new Counter({
    name: 'stower_gc_removed_bytes_total',
    help: 'Bytes of storage that sweeps of this process gave back, by kind.',
    labelNames: ['kind'],
    registers: [registry],
  })
  const agedTags = new Counter({
    name: 'stower_retention_removed_tags_total',
    help: 'Tags that this process removed by retention policies, beside requests that make or change one.',
    registers: [registry],
  })
  const sweepEnd = new Gauge({
    name: 'stower_gc_last_run_timestamp_seconds',
    help: 'When the last sweep that this process ended was over.',
    registers: [registry],
  })
  const sweepSeconds = new Gauge({
    name: 'stower_gc_last_run_duration_seconds',
    help: 'How long the last sweep took from its beginning, pauses included.',
    registers: [registry],
  })
  const missing = new Gauge({
    name: 'stower_gc_missing_blobs',
    help: 'Blobs that the last sweep found without their bytes.',
    registers: [registry],
  })
  return {
    registry,
    observeRequest: request => requests.observe(request),
    setReady: isReady => ready.set(isReady ? 1 : 0),
    setFreeBytes: value => free.set(value),
    countSwept: (kind, objects, removedBytes) => {
      if (objects > 0) swept.labels(kind).inc(objects)
      if (removedBytes > 0) sweptBytes.labels(kind).inc(removedBytes)
    },
    countAgedTags: tags => {
      if (tags > 0) agedTags.inc(tags)
    },
    setSweep: sweep => {
      sweepEnd.set(Math.round(sweep.endedMs / 1000))
      sweepSeconds.set(sweep.seconds)
      missing.set(sweep.missing)
    },
  }
}
