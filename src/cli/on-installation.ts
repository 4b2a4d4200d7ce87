import { userInfo } from 'node:os'
import { type Installation, openInstallation } from '../app/installation.ts'
import type { Config } from '../config.ts'
import type { OperatorCaller, Requester } from '../core/caller.ts'
import { DomainError } from '../core/errors.ts'
import { openLogger } from '../telemetry/logger.ts'
import type { Invocation } from './command.ts'

/** The configuration of a command that needs one. Throws with every problem of it. */
export function requireConfig({ loaded }: Invocation): Config {
  if (loaded.kind === 'ok') return loaded.config
  throw new DomainError('parameter_invalid', loaded.problems.join('\n'))
}

/** Does work on the stores of the data folder, beside a running server or without one. */
export async function onInstallation<T>(
  invocation: Invocation,
  work: (installation: Installation, by: Requester<OperatorCaller>) => Promise<T>,
): Promise<T> {
  const config = requireConfig(invocation)
  await using installation = await openInstallation({ config, logger: commandLogger() }, 'command')
  return await work(installation, operator())
}

/** What goes wrong in the background of a command is told beside its output. */
export function commandLogger() {
  return openLogger({ level: 'warn', format: 'pretty', write: line => process.stderr.write(line) })
}

function operator(): Requester<OperatorCaller> {
  return {
    caller: { kind: 'operator', name: userInfo().username },
    origin: { requestId: 'command', sourceAddress: '' },
  }
}
