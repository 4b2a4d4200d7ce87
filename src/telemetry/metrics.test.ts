import { expect, test } from 'bun:test'
import { openMetrics } from './metrics.ts'

test('the page has what was measured before it was first asked for, and what came since', async () => {
  const metrics = openMetrics()
  metrics.countSwept('blobs', 2, 500)
  metrics.countSwept('links', 0, 0)
  metrics.setFreeBytes(7_000)
  const own = async () => {
    const { contentType, text } = await metrics.page()
    expect(contentType).toStartWith('text/plain; version=0.0.4')
    expect(text).toContain('process_cpu_seconds_total')
    return text.split('\n').filter(line => /^stower_(?!http_response)/.test(line))
  }
  expect(await own()).toEqual([
    'stower_ready 0',
    'stower_blob_store_free_bytes 7000',
    'stower_gc_removed_objects_total{kind="blobs"} 2',
    'stower_gc_removed_bytes_total{kind="blobs"} 500',
    'stower_retention_removed_tags_total 0',
    'stower_gc_last_run_timestamp_seconds 0',
    'stower_gc_last_run_duration_seconds 0',
    'stower_gc_missing_blobs 0',
  ])

  metrics.setReady(true)
  metrics.countAgedTags(2)
  metrics.countAgedTags(3)
  metrics.countSwept('blobs', 1, 1)
  metrics.setSweep({ endedMs: 1_700_000_000_400, seconds: 1.5, missing: 3 })
  expect(await own()).toEqual([
    'stower_ready 1',
    'stower_blob_store_free_bytes 7000',
    'stower_gc_removed_objects_total{kind="blobs"} 3',
    'stower_gc_removed_bytes_total{kind="blobs"} 501',
    'stower_retention_removed_tags_total 5',
    'stower_gc_last_run_timestamp_seconds 1700000000',
    'stower_gc_last_run_duration_seconds 1.5',
    'stower_gc_missing_blobs 3',
  ])
})
