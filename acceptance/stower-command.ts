import { dirname, join } from 'node:path'
import { run } from './command.ts'
import type { Program } from './program.ts'

/** Runs a command of Stower over the program's data, while it serves or not; resolves to what it printed. */
export function runStower(program: Pick<Program, 'dataDir'>, args: readonly string[], input?: string): Promise<string> {
  const executable = process.env.STOWER_ACCEPTANCE_PROGRAM
  const [file, ...first] = executable ? [executable] : ['node', join(dirname(import.meta.dir), 'bin', 'stower.mjs')]
  return run(file, [...first, ...args, '--data-dir', program.dataDir], { ...(input !== undefined && { input }) })
}
