import { expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseTestReport, summarize, type TestCase } from '../scripts/test-report.mjs'

const tests = `
import { describe, expect, test } from 'bun:test'
test('passes <&> "quoted"', () => {})
test('passes again', () => {})
test.skip('is skipped (needs skopeo)', () => {})
describe('a group', () => {
  test('fails', () => { expect('<skipped />').toBe('') })
  test.todo('is to do')
})
test('passes last', () => {})
`

test('the report of bun test gives every test with its name, file and outcome', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stower-report-'))
  try {
    writeFileSync(join(folder, 'some.test.ts'), tests)
    const report = join(folder, 'report.xml')
    const run = Bun.spawn(
      [process.execPath, 'test', '--reporter=junit', `--reporter-outfile=${report}`, './some.test.ts'],
      {
        cwd: folder,
        stdio: ['ignore', 'ignore', 'ignore'],
      },
    )
    expect(await run.exited).toBe(1)
    const file = 'some.test.ts'
    expect(parseTestReport(readFileSync(report, 'utf8'))).toEqual([
      { name: 'passes <&> "quoted"', file, outcome: 'passed' },
      { name: 'passes again', file, outcome: 'passed' },
      { name: 'is skipped (needs skopeo)', file, outcome: 'skipped' },
      { name: 'a group > fails', file, outcome: 'failed' },
      { name: 'a group > is to do', file, outcome: 'skipped' },
      { name: 'passes last', file, outcome: 'passed' },
    ])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

const passed: TestCase = { name: 'a', file: 'a.test.ts', outcome: 'passed' }
const skipped: TestCase = { name: 'b (needs skopeo)', file: 'b.test.ts', outcome: 'skipped' }
const failed: TestCase = { name: 'c', file: 'c.test.ts', outcome: 'failed' }

test.each<[readonly TestCase[], boolean, string, boolean]>([
  [[passed, passed], false, '6 passed, 0 failed', false],
  [[passed, skipped], false, '5 passed, 0 failed, 1 skipped', false],
  [[passed, skipped], true, '5 passed, 1 failed', true],
  [[passed, failed, skipped], false, '5 passed, 1 failed, 1 skipped', true],
])('the last line counts checks and tests (%#)', (cases, areToolsRequired, lastLine, hasFailed) => {
  const summary = summarize({ checks: { passed: 4, failed: 0 }, cases, areToolsRequired })
  expect(summary.text.split('\n').at(-2)).toBe(lastLine)
  expect(summary.hasFailed).toBe(hasFailed)
})

test('skipped tests are named, with the one command that brings their tools', () => {
  const { text } = summarize({ checks: { passed: 4, failed: 0 }, cases: [skipped], areToolsRequired: false })
  expect(text).toContain('b.test.ts: b (needs skopeo)\n')
  expect(text).toContain('STOWER_TEST_INSTALL=1 npm test\n')
})

test('a failed check fails the run', () => {
  expect(summarize({ checks: { passed: 3, failed: 1 }, cases: [passed], areToolsRequired: false }).hasFailed).toBe(true)
})
