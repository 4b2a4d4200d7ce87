import type { Contestant } from './contestants/contestant.ts'
import type { Series } from './measure.ts'

/** A Markdown table: one row per case and contestant, Stower's with the ratio of its median to the best peer's. */
export function formatTable(all: readonly Series[]): string {
  const columns = ['case', 'server', 'min', 'median', 'max', 'unit', 'CPU, median', 'p50 / p99', 'peak memory', 'ratio']
  return [columns, columns.map(() => '---'), ...formatRows(all)].map(formatRow).join('')
}

/** The rows alone, to be shown as they come. */
export function formatRows(all: readonly Series[]): string[][] {
  return all.map(series => [
    series.case,
    series.contestant,
    ...[Math.min(...series.values), median(series.values), Math.max(...series.values)].map(formatNumber),
    series.unit,
    series.cpu ? `${formatNumber(median(series.cpu.values))} ${series.cpu.unit}` : '',
    series.latencies.length > 0 ? `${latencyOf(series, 'p50Ms')} / ${latencyOf(series, 'p99Ms')} ms` : '',
    series.peakBytes ? `${Math.round(series.peakBytes / 1e6)} MB` : '',
    formatRatio(series, all),
  ])
}

export function formatRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |\n`
}

export type Machine = { cores: number; processor: string; memoryGb: number; kernel: string; load: string }

export function formatResults(
  run: { machine: Machine; rounds: number; minutes: number; contestants: readonly Contestant[] },
  table: string,
): string {
  const { machine, rounds, minutes, contestants } = run
  return `# Stower beside its peers

Made by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)} in ${minutes} minutes: ${machine.cores} cores (${machine.processor}), ${machine.memoryGb} GB of memory,
Linux ${machine.kernel}, load before the run ${machine.load}. Every server ran on the same disk and was measured in turn with the others,
${rounds} rounds each (one where memory is filled to its peak). The client shares the cores with the server. CPU is what the server's
processes used, user and system time together; p50 and p99 are medians of the rounds; memory is the resident peak of the
process that serves, over all rounds. The ratio is that of Stower's median to the best peer's in the same case.

${contestants.map(({ name, about }) => `- **${name}**: ${about}.`).join('\n')}

${table}`
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = Number.NaN, high = Number.NaN] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]]
  return (low + high) / 2
}

/** How this row of Stower compares with the best peer; empty in the peers' rows and where there is none. */
function formatRatio(own: Series, all: readonly Series[]): string {
  if (!own.isStower) return ''
  const peers = all.filter(({ case: name, isStower }) => name === own.case && !isStower)
  const best = peers.toSorted((a, b) => (median(a.values) - median(b.values)) * (own.isLessBetter ? 1 : -1)).at(0)
  if (!best) return ''
  const times = (mine: number, theirs: number) => `${formatNumber(mine / theirs)} ×`
  const parts = [`${times(median(own.values), median(best.values))} ${best.contestant}`]
  if (own.cpu && best.cpu) parts.push(`${times(median(own.cpu.values), median(best.cpu.values))} its CPU`)
  if (own.latencies.length > 0 && best.latencies.length > 0) {
    parts.push(`${times(medianLatency(own, 'p99Ms'), medianLatency(best, 'p99Ms'))} its p99`)
  }
  return parts.join(', ')
}

function latencyOf(series: Series, percentile: 'p50Ms' | 'p99Ms'): string {
  return formatNumber(medianLatency(series, percentile))
}

function medianLatency({ latencies }: Series, percentile: 'p50Ms' | 'p99Ms'): number {
  return median(latencies.map(latency => latency[percentile]))
}

function formatNumber(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
