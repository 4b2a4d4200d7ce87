export type TestCase = { name: string; file: string; outcome: 'passed' | 'failed' | 'skipped' }
export function parseTestReport(text: string): TestCase[]
export function summarize(run: {
  checks: { passed: number; failed: number }
  cases: readonly TestCase[]
  areToolsRequired: boolean
}): { text: string; hasFailed: boolean }
