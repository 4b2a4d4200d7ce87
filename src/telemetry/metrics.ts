import type { Figures, MetricsPage, Sweep } from './figures.ts'
import { type AnsweredRequest, RequestMetrics } from './request-metrics.ts'

/** What the program measures, in plain numbers. `metrics-page.ts` names them. */
export type Metrics = {
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
  setSweep: (sweep: Sweep) => void
  /** All of them in the text format of Prometheus. */
  page: () => Promise<MetricsPage>
}

export function openMetrics(): Metrics {
  const figures: Figures = {
    requests: new RequestMetrics(),
    isReady: false,
    freeBytes: 0,
    swept: new Map(),
    agedTags: 0,
    lastSweep: { endedMs: 0, seconds: 0, missing: 0 },
  }
  let page: Promise<() => Promise<MetricsPage>> | undefined
  return {
    observeRequest: request => figures.requests.observe(request),
    setReady: isReady => {
      figures.isReady = isReady
    },
    setFreeBytes: bytes => {
      figures.freeBytes = bytes
    },
    countSwept: (kind, objects, bytes) => {
      const before = figures.swept.get(kind) ?? { objects: 0, bytes: 0 }
      figures.swept.set(kind, { objects: before.objects + objects, bytes: before.bytes + bytes })
    },
    countAgedTags: tags => {
      figures.agedTags += tags
    },
    setSweep: sweep => {
      figures.lastSweep = sweep
    },
    page: async () => {
      // Loaded by who asks: prom-client takes a quarter of the time in which the program's modules are made ready.
      page ??= import('./metrics-page.ts').then(({ openMetricsPage }) => openMetricsPage(figures))
      return (await page)()
    },
  }
}
