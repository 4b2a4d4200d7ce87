import type { Engine } from '../../test/databases.ts'
import { postgresServer } from '../../test/postgres-server.ts'
import { createOrganization, startProgram } from '../program.ts'
import type { Mode } from './modes.ts'
import type { ConformanceCase } from './report.ts'
import { type ConformanceRun, runConformance } from './runner.ts'

export type ConformanceResult = {
  mode: Mode
  engine: Engine
  version: ConformanceRun['version']
  cases: ConformanceCase[]
}

/** Runs the suite in a mode, once for each of its versions, against one program over this engine. */
export async function runMode(mode: Mode, engine: Engine): Promise<ConformanceResult[]> {
  const database: Record<string, string> =
    engine === 'postgres' ? { STOWER_DATABASE_URL: await (await postgresServer()).createDatabase() } : {}
  await using program = await startProgram({ settings: { ...database, ...mode.settings } })
  await createOrganization(program, 'conformance')
  const results: ConformanceResult[] = []
  for (const version of mode.versions) {
    const cases = await runConformance(await mode.prepare(program, version))
    results.push({ mode, engine, version, cases })
  }
  await program.stop()
  return results
}

/** What is wrong with a result, a line each: cases that failed, skips without a reason, reasons without a skip. */
export function problemsOf({ mode, cases }: ConformanceResult): string[] {
  const patterns = mode.skips.flatMap(skip => skip.cases)
  const skipped = cases.filter(each => each.status === 'skipped')
  return [
    ...cases.filter(each => each.status === 'failed').map(each => `failed: ${each.name}: ${each.reason}`),
    ...skipped
      .filter(each => !patterns.some(pattern => pattern.test(each.name)))
      .map(each => `skipped: ${each.name}: ${each.reason}`),
    ...patterns
      .filter(pattern => !skipped.some(each => pattern.test(each.name)))
      .map(pattern => `no case was skipped that is called ${pattern}`),
  ]
}
