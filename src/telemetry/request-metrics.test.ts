import { expect, test } from 'bun:test'
import { Registry } from 'prom-client'
import { RequestMetrics } from './request-metrics.ts'

test('requests are counted by route and class of status, their durations in buckets, their bytes in all', async () => {
  const registry = new Registry()
  const metrics = new RequestMetrics()
  metrics.register(registry)
  metrics.observe({ route: 'oci.manifest', status: 200, seconds: 0.001, bytes: 500 })
  metrics.observe({ route: 'oci.manifest', status: 206, seconds: 0.0011, bytes: 100 })
  metrics.observe({ route: 'oci.manifest', status: 404, seconds: 70, bytes: 0 })
  metrics.observe({ route: 'ops.livez', status: 503, seconds: 1, bytes: 0 })

  const lines = (await registry.metrics()).split('\n').filter(line => line !== '')
  expect(lines).toEqual([
    '# HELP stower_http_requests_total Requests answered, by kind of route and class of status.',
    '# TYPE stower_http_requests_total counter',
    'stower_http_requests_total{route="oci.manifest",status="2xx"} 2',
    'stower_http_requests_total{route="oci.manifest",status="4xx"} 1',
    'stower_http_requests_total{route="ops.livez",status="5xx"} 1',
    '# HELP stower_http_request_duration_seconds Time until the headers of the answer are ready, by kind of route.',
    '# TYPE stower_http_request_duration_seconds histogram',
    ...durations('oci.manifest', [1, 2, 2, 2, 2, 2, 2, 2, 3], 0.001 + 0.0011 + 70),
    ...durations('ops.livez', [0, 0, 0, 0, 0, 1, 1, 1, 1], 1),
    '# HELP stower_http_response_bytes_total Bytes of content offered to clients.',
    '# TYPE stower_http_response_bytes_total counter',
    'stower_http_response_bytes_total 600',
  ])
})

function durations(route: string, counts: readonly number[], seconds: number): string[] {
  const name = 'stower_http_request_duration_seconds'
  const bounds = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, '+Inf']
  return [
    ...bounds.map((bound, index) => `${name}_bucket{le="${bound}",route="${route}"} ${counts[index]}`),
    `${name}_sum{route="${route}"} ${seconds}`,
    `${name}_count{route="${route}"} ${counts.at(-1)}`,
  ]
}
