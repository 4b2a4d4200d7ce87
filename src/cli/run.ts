import { loadConfig } from '../config.ts'
import { isDomainError } from '../core/errors.ts'
import { parseArguments } from './arguments.ts'
import { commands } from './commands.ts'
import { formatCommandHelp, formatHelp } from './help.ts'

/** Exit codes of `sysexits.h`: a wrong command line, and a defect of the program. */
const usageError = 64
const programError = 70

/** Runs one command line; answers the exit code. What a user can mend is one sentence on standard error. */
export async function run(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv, commands)
  switch (parsed.kind) {
    case 'problem':
      process.stderr.write(`stower: ${parsed.problem}\n`)
      return usageError
    case 'help':
      process.stdout.write(parsed.command ? formatCommandHelp(parsed.command) : formatHelp(commands, parsed.words))
      return 0
    case 'run':
      break
  }
  const { command, positionals, options, configFlags } = parsed
  try {
    const loaded = loadConfig({ flags: configFlags, env: process.env, cwd: process.cwd() })
    return await command.run({ positionals, options, configFlags, loaded })
  } catch (error) {
    if (isDomainError(error)) {
      process.stderr.write(`stower: ${error.message}\n`)
      return 1
    }
    process.stderr.write('stower: this should not happen; please report it with what follows\n')
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    return programError
  }
}
