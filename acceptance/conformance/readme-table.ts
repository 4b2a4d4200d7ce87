import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ConformanceResult } from './results.ts'

export const readmeFile = join(dirname(dirname(import.meta.dir)), 'README.md')

/** The table of the README, header and rows. */
export function conformanceTable(results: readonly ConformanceResult[]): string {
  return [...tableHead, ...results.map(tableRow)].join('\n')
}

/** One run as a row of the table. */
export function tableRow({ mode, engine, version, cases }: ConformanceResult): string {
  const count = (status: string) => cases.filter(each => each.status === status).length
  const metadata = engine === 'sqlite' ? 'SQLite' : 'PostgreSQL'
  const cells = [mode.title, metadata, version, cases.length, count('passed'), count('skipped'), count('failed')]
  return `| ${cells.join(' | ')} |`
}

export function readReadme(): string {
  return readFileSync(readmeFile, 'utf8')
}

/** The README with this table in the place of the one it has. */
export function withTable(readme: string, table: string): string {
  const start = readme.indexOf(tableHead.join('\n'))
  if (start < 0) throw new Error('the README has no table of the conformance suite')
  const end = readme.indexOf('\n\n', start)
  return `${readme.slice(0, start)}${table}${readme.slice(end)}`
}

const tableHead = ['| run | metadata | version | cases | passed | skipped | failed |', '|---|---|---|---|---|---|---|']
