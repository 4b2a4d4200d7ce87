import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Figures, MetricsPage } from './figures.ts'

/**
 * Every metric of the program (names with units, few labels: kinds of routes, never paths). Those of the process and its
 * runtime are measured from here on.
 */
export function openMetricsPage(figures: Figures): () => Promise<MetricsPage> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  figures.requests.register(registry)
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value())
      },
    })
  gauge('stower_ready', '1 when the last readiness check passed.', () => (figures.isReady ? 1 : 0))
  gauge(
    'stower_blob_store_free_bytes',
    'Bytes that can still be written to the blob store, as of the last readiness check.',
    () => figures.freeBytes,
  )
  const sweptCounter = (name: string, help: string, of: 'objects' | 'bytes') =>
    new Counter({
      name,
      help,
      labelNames: ['kind'],
      registers: [registry],
      collect() {
        this.reset()
        for (const [kind, swept] of figures.swept) if (swept[of] > 0) this.labels(kind).inc(swept[of])
      },
    })
  sweptCounter(
    'stower_gc_removed_objects_total',
    'What sweeps of this process removed, by kind: links to blobs, manifest bodies, blobs, stray content.',
    'objects',
  )
  sweptCounter(
    'stower_gc_removed_bytes_total',
    'Bytes of storage that sweeps of this process gave back, by kind.',
    'bytes',
  )
  new Counter({
    name: 'stower_retention_removed_tags_total',
    help: 'Tags that this process removed by retention policies, beside requests that make or change one.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(figures.agedTags)
    },
  })
  gauge('stower_gc_last_run_timestamp_seconds', 'When the last sweep that this process ended was over.', () =>
    Math.round(figures.lastSweep.endedMs / 1000),
  )
  gauge(
    'stower_gc_last_run_duration_seconds',
    'How long the last sweep took from its beginning, pauses included.',
    () => figures.lastSweep.seconds,
  )
  gauge(
    'stower_gc_missing_blobs',
    'Blobs that the last sweep found without their bytes.',
    () => figures.lastSweep.missing,
  )
  return async () => ({ contentType: registry.contentType, text: await registry.metrics() })
}
