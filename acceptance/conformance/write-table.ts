/** Runs the conformance suite in every mode and writes what came of it into the README: `npm run conformance`. */
import { writeFileSync } from 'node:fs'
import { modes } from './modes.ts'
import { conformanceTable, readmeFile, readReadme, withTable } from './readme-table.ts'
import { type ConformanceResult, problemsOf, runMode } from './results.ts'

const results: ConformanceResult[] = []
for (const mode of modes) {
  for (const engine of ['sqlite', 'postgres'] as const) results.push(...(await runMode(mode, engine)))
}
const table = conformanceTable(results)
console.log([table, ...results.flatMap(problemsOf)].join('\n'))
writeFileSync(readmeFile, withTable(readReadme(), table))
