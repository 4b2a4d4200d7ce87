import type { Figures } from './figures.ts'
import type { SoakReport } from './soak.ts'

/** The report as tables for people. */
export function formatReport(report: SoakReport): string {
  const outcomes = report.lines.map(line => line.split('\t'))
  const figures: (keyof Figures)[] = [
    'residentMib',
    'descriptors',
    'uploads',
    'heldUploads',
    'stagedFiles',
    'blobs',
    'blobFiles',
    'strays',
  ]
  const middle = report.during[Math.floor(report.during.length / 2)]
  const rows = figures.map(name => [
    name,
    String(report.before[name]),
    String(middle?.[name] ?? ''),
    String(report.during.at(-1)?.[name] ?? ''),
    String(report.after[name]),
  ])
  return [
    formatTable(['operation', 'outcome', 'count'], outcomes),
    formatTable(['figure', 'before', 'halfway', 'at the end', 'at rest'], rows),
    `${report.exchanges} exchanges, ${report.unexplained.length} unexplained`,
    ...report.unexplained.map(what => `  ${what}`),
    '',
  ].join('\n')
}

function formatTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map(row => (row[column] ?? '').length)))
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`
  return [line(heads), line(widths.map(width => '-'.repeat(width))), ...rows.map(line), ''].join('\n')
}
