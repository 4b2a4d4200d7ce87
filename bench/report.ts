import type { Contestant } from './contestants.ts'
import type { Series } from './measure.ts'

/** A Markdown table: one row per case and contestant, with the ratio of Stower's median to the peer's. */
export function formatTable(all: readonly Series[]): string {
  const header = ['case', 'server', 'min', 'median', 'max', 'unit', 'CPU, median', 'peak memory', 'Stower is']
  const rows = all.map(series => [
    series.case,
    series.contestant,
    ...[Math.min(...series.values), median(series.values), Math.max(...series.values)].map(formatNumber),
    series.unit,
    series.cpu ? `${formatNumber(median(series.cpu.values))} ${series.cpu.unit}` : '',
    series.peakBytes ? `${Math.round(series.peakBytes / 1e6)} MB` : '',
    formatRatio(series, all),
  ])
  return [header, header.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |\n`).join('')
}

export type Machine = { cores: number; processor: string; memoryGb: number; kernel: string; load: string }

export function formatResults(machine: Machine, rounds: number, contestants: readonly Contestant[], table: string) {
  return `# Stower beside its peers

Made by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${machine.cores} cores (${machine.processor}), ${machine.memoryGb} GB of memory,
Linux ${machine.kernel}, load before the run ${machine.load}. Every server ran on the same disk and was measured in turn with the others,
${rounds} rounds each. The client shares the cores with the server. CPU is what the server's processes used, user and system time together;
memory is the resident peak of the process that serves, over all rounds.

${contestants.map(({ name, about }) => `- **${name}**: ${about}.`).join('\n')}

${table}`
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = Number.NaN, high = Number.NaN] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]]
  return (low + high) / 2
}

/** How Stower's best way to run compares with this peer; empty in its own rows. */
function formatRatio(peer: Series, all: readonly Series[]): string {
  if (peer.contestant.startsWith('Stower')) return ''
  const own = all.filter(({ case: name, contestant }) => name === peer.case && contestant.startsWith('Stower')).at(-1)
  if (!own) return ''
  const ratio = median(own.values) / median(peer.values)
  const speed = peer.isLessBetter ? `${formatNumber(ratio)} × as much` : `${formatNumber(ratio)} × as fast`
  if (!own.cpu || !peer.cpu) return speed
  return `${speed}, with ${formatNumber(median(own.cpu.values) / median(peer.cpu.values))} × the CPU`
}

function formatNumber(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
