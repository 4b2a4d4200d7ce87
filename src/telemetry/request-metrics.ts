import type { Metric, Registry } from 'prom-client'

export type AnsweredRequest = { route: string; status: number; seconds: number; bytes: number }

/** Upper bounds of the buckets of durations, in seconds. */
const bounds = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60]

/** How many answers of each class (1xx to 5xx), and how many took at most as long as each bound. */
type RouteCounts = { classes: number[]; buckets: number[]; seconds: number }

/**
 * What is measured of every request. Counted in plain numbers and worded when it is asked for: the counters of prom-client
 * take a tenth of the time of a small answer.
 */
export class RequestMetrics {
  readonly #routes = new Map<string, RouteCounts>()
  #bytes = 0

  /** From now on the registry words what was and will be counted here. */
  register(registry: Registry): void {
    register(registry, {
      name: 'stower_http_requests_total',
      help: 'Requests answered, by kind of route and class of status.',
      type: 'counter',
      values: () => [...this.#routes].flatMap(([route, counts]) => countsByClass(route, counts)),
    })
    register(registry, {
      name: 'stower_http_request_duration_seconds',
      help: 'Time until the headers of the answer are ready, by kind of route.',
      type: 'histogram',
      values: () => [...this.#routes].flatMap(([route, counts]) => histogram(route, counts)),
    })
    register(registry, {
      name: 'stower_http_response_bytes_total',
      help: 'Bytes of content offered to clients.',
      type: 'counter',
      values: () => [{ labels: {}, value: this.#bytes }],
    })
  }

  observe({ route, status, seconds, bytes }: AnsweredRequest): void {
    let counts = this.#routes.get(route)
    if (!counts) {
      counts = { classes: [0, 0, 0, 0, 0], buckets: bounds.map(() => 0).concat(0), seconds: 0 }
      this.#routes.set(route, counts)
    }
    const statusClass = Math.floor(status / 100) - 1
    counts.classes[statusClass] = (counts.classes[statusClass] ?? 0) + 1
    let bucket = 0
    while (seconds > (bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket++
    counts.buckets[bucket] = (counts.buckets[bucket] ?? 0) + 1
    counts.seconds += seconds
    this.#bytes += bytes
  }
}

type Value = { labels: Record<string, string | number>; value: number; metricName?: string }

function countsByClass(route: string, { classes }: RouteCounts): Value[] {
  return classes
    .map((value, index) => ({ labels: { route, status: `${index + 1}xx` }, value }))
    .filter(({ value }) => value > 0)
}

/** Buckets count what is in those before them, too (Prometheus, "Text-based format", histograms and summaries). */
function histogram(route: string, { buckets, seconds }: RouteCounts): Value[] {
  const metric = 'stower_http_request_duration_seconds'
  let count = 0
  const rows: Value[] = buckets.map((inBucket, index) => {
    count += inBucket
    return { labels: { le: bounds[index] ?? '+Inf', route }, value: count, metricName: `${metric}_bucket` }
  })
  return [
    ...rows,
    { labels: { route }, value: seconds, metricName: `${metric}_sum` },
    { labels: { route }, value: count, metricName: `${metric}_count` },
  ]
}

/** A registry takes whatever has a name and can be asked, though its types know its own metrics alone. */
function register(
  registry: Registry,
  { values, ...metric }: { name: string; help: string; type: string; values: () => Value[] },
): void {
  const asked = { ...metric, aggregator: 'sum', get: async () => ({ ...metric, aggregator: 'sum', values: values() }) }
  registry.registerMetric(asked as unknown as Metric)
}
