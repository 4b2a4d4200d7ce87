import { describe, expect } from 'bun:test'
import { testWithTools } from '../test/tools.ts'
import { modes } from './conformance/modes.ts'
import { readReadme, tableRow } from './conformance/readme-table.ts'
import { problemsOf, runMode } from './conformance/results.ts'

/** Some thousands of requests, one after the other. */
const limitMs = 600_000

describe('conformance suite of the distribution specification', () => {
  for (const mode of modes) {
    for (const engine of ['sqlite', 'postgres'] as const) {
      const tools =
        engine === 'postgres' ? (['conformance', 'initdb', 'postgres'] as const) : (['conformance'] as const)
      testWithTools(
        tools,
        `${mode.title}, over ${engine}: nothing fails, and nothing is skipped unsaid`,
        async () => {
          const results = await runMode(mode, engine)
          expect(results.map(result => result.version)).toEqual([...mode.versions])
          for (const result of results) {
            expect(problemsOf(result)).toEqual([])
            expect(result.cases.length).toBeGreaterThanOrEqual(mode.fewestCases)
            // Stale? `npm run conformance` writes it anew.
            expect(readReadme()).toContain(tableRow(result))
          }
        },
        limitMs,
      )
    }
  }
})
