import type { Config } from '../config.ts'
import { type Logger, openLogger } from '../telemetry/logger.ts'

/** The server's log on an open stream: short lines for people on a terminal, JSON for everything else. */
export function openServerLogger({ log }: Config, stream: { fd: number; isTTY?: boolean }): Logger {
  const automatic = stream.isTTY === true ? 'pretty' : 'json'
  return openLogger({
    level: log.level,
    format: log.format === 'auto' ? automatic : log.format,
    descriptor: stream.fd,
  })
}

/** What goes wrong in the background of a command is told beside its output. */
export function openCommandLogger(): Logger {
  return openLogger({ level: 'warn', format: 'pretty', write: line => process.stderr.write(line) })
}
