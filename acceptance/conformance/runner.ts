import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { type ConformanceCase, parseJunit, parseTree } from './report.ts'

export type ConformanceRun = {
  /** `HOST:PORT`, spoken to by plain HTTP; with `USER:PASSWORD@` before it these go with every request. */
  registry: string
  version: '1.1' | 'dev'
  /** Where the suite works; the second one is for mounts. */
  repositories: readonly [string, string]
  /** Variables of the suite's configuration, `OCI_…`. */
  switches: Readonly<Record<string, string>>
  /** The runner dies of a nil pointer in its report on data when nothing may be pushed: its tree is read instead. */
  readFrom: 'junit.xml' | 'printed tree'
}

/**
 * Runs the conformance suite (distribution-spec, `conformance/`) and resolves to its cases. Throws with the runner's
 * output where it left no report: with a configuration that it can't load it ends with 0 all the same.
 */
export async function runConformance(run: ConformanceRun): Promise<ConformanceCase[]> {
  const folder = mkdtempSync(join(tmpdir(), 'stower-conformance-'))
  try {
    const output = await runProgram(requireTool('conformance'), {
      OCI_CONFIGURATION: '/dev/null',
      OCI_REGISTRY: run.registry,
      OCI_TLS: 'disabled',
      OCI_VERSION: run.version,
      OCI_REPO1: run.repositories[0],
      OCI_REPO2: run.repositories[1],
      OCI_RESULTS_DIR: folder,
      ...run.switches,
    })
    const report = join(folder, 'junit.xml')
    const hasReport = run.readFrom === 'printed tree' || existsSync(report)
    if (!hasReport) throw new Error(`the conformance suite wrote no junit.xml:\n${output}`)
    const cases = run.readFrom === 'junit.xml' ? parseJunit(readFileSync(report, 'utf8')) : parseTree(output)
    if (cases.length === 0) throw new Error(`the conformance suite ran no case:\n${output}`)
    return cases
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Resolves to all that was printed, whatever the exit code: the report says what failed. */
function runProgram(file: string, env: Record<string, string>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const child = spawn(file, [], { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000, killSignal: 'SIGKILL' })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', text => {
      output += text
    })
  }
  child.on('error', reject)
  child.on('close', () => resolve(output))
  return promise
}
