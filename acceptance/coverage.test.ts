import { expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseTestReport } from '../scripts/test-report.mjs'
import { awaitedFeatures, isNamedBy, readRows } from './coverage.ts'

const root = dirname(import.meta.dir)
const rows = readRows(readFileSync(join(import.meta.dir, 'COVERAGE.md'), 'utf8'))

/** Ids that the page must have, no more and no less: those of the protocol's checklist, of the management API, and of known attacks. */
const numbered = (letter: string, most: number) => Array.from({ length: most }, (_, index) => `${letter}${index + 1}`)
const checklist = [
  ...['1', '2', '3', '4a', '4b', '4c', '5', '6', '7a', '7b', '8a', '8b', '9', '10', '11', '12a', '12b', '13', '14'].map(
    number => `end-${number}`,
  ),
  ...[...numbered('G', 14), ...numbered('P', 10), ...numbered('B', 21), ...numbered('M', 11), ...numbered('T', 4)],
  ...[...numbered('R', 8), ...numbered('D', 7), ...numbered('X', 2), 'E1', ...numbered('A', 15), ...numbered('V', 11)],
]
const managementApi = [
  // Operations, what broke clients, errors and limits (SWR API).
  ...numbered('op-', 60),
  ...numbered('trap-', 20),
  ...numbered('error-', 12),
  ...numbered('limit-', 12),
]
const attacks = [
  ...['CVE-2017-11468', 'CVE-2023-2253', 'CVE-2021-41190', 'CVE-2025-24976', 'CVE-2026-33540', 'CVE-2026-35172'],
  ...['CVE-2026-41888', 'CVE-2024-39897', 'CVE-2025-23208', 'CVE-2025-48374', 'CVE-2026-31801', 'CVE-2026-61833'],
  ...['zot #4318', 'zot callback_ui', 'zot CORS', 'CVE-2026-32589', 'CVE-2020-29662', 'Harbor 89e1c4baa7'],
  ...['CVE-2026-27771', 'CVE-2026-117685', 'CVE-2026-103667', 'CVE-2026-104636', 'GO-2026-6597', 'GHSA-6fj5-m822-rqx8'],
  ...[
    'CVE-2026-88887',
    'CVE-2026-48710',
    'S2',
    'S3',
    'S4',
    'S5',
    'S6',
    'S7',
    'S8',
    'S9',
    'S10',
    'S11',
    'S12',
    'S13',
    'S14',
    'S15',
    'S17',
  ],
]

test('every id has a row, and no row has an id that nobody knows', () => {
  const ids = rows.map(row => row.id)
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  expect(ids.toSorted()).toEqual([...checklist, ...managementApi, ...attacks].toSorted())
  for (const { id, level } of rows) expect([id, level]).toEqual([id, expect.stringMatching(/^(M|S|O|C|ours|attack)$/)])
})

test('what waits, waits for a feature that is known to be missing', () => {
  const awaited = rows.flatMap(row => row.proofs.flatMap(proof => (proof.kind === 'waits' ? [proof.feature] : [])))
  expect(awaited.filter(feature => !awaitedFeatures.some(known => known === feature))).toEqual([])
  expect(awaitedFeatures.filter(feature => !awaited.includes(feature))).toEqual([])
})

test('every test that is named is there', async () => {
  const proofs = rows.flatMap(row => row.proofs.flatMap(proof => (proof.kind === 'test' ? [proof] : [])))
  const names = await testsIn([...new Set(proofs.map(proof => proof.file))])
  const missing = proofs.filter(({ file, title }) => !names.get(file)?.some(name => isNamedBy(name, title)))
  expect(missing).toEqual([])
})

test('a name is that of a test, of a group, or of both, and never a part of a word', () => {
  const full = 'registry over sqlite (needs postgresql-15) > ranges > bytes=0-1 (needs crane)'
  for (const title of ['bytes=0-1', 'ranges', 'registry over sqlite', 'ranges > bytes=0-1']) {
    expect([title, isNamedBy(full, title)]).toEqual([title, true])
  }
  for (const title of ['bytes=0', '', 'range', 'registry', 'registry over sqlite > bytes=0-1', 'bytes=0-1 > ranges']) {
    expect([title, isNamedBy(full, title)]).toEqual([title, false])
  }
})

test.each([
  ['| P1 | a statement | M |', 'no row'],
  ['| P1 | a statement | M | a test |', 'names neither'],
  ['| P1 | a statement | M | `test/x.ts` › a test |', 'names neither'],
])('%s is no row', (line, reason) => {
  expect(() => readRows(line)).toThrow(reason)
})

/**
 * Full names of the tests in these files, as the runner itself tells them: it loads each and runs none, because no name
 * fits. So titles that are made of tables and templates are what they will be when they run; and as none runs, they share
 * one process.
 */
async function testsIn(files: readonly string[]): Promise<ReadonlyMap<string, string[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'stower-coverage-'))
  const report = join(folder, 'report.xml')
  const args = ['-t', 'no test is called so', '--reporter=junit', `--reporter-outfile=${report}`]
  try {
    const child = Bun.spawn([process.execPath, 'test', '--no-env-file', ...args, ...files.map(file => `./${file}`)], {
      cwd: root,
      stdout: 'ignore',
      stderr: 'ignore',
    })
    await child.exited
    const cases: { name: string; file: string }[] = parseTestReport(readFileSync(report, 'utf8'))
    return new Map([...Map.groupBy(cases, each => each.file)].map(([file, all]) => [file, all.map(one => one.name)]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
