import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openServerLogger } from '../app/logs.ts'
import { type RunningServer, startServer } from '../app.ts'
import type { Config } from '../config.ts'
import { DomainError } from '../core/errors.ts'
import { type Command, requireConfig } from './command.ts'
import { firstStartBlock } from './first-start-block.ts'
import { programName } from './program-name.ts'
import { serveEphemeral } from './serve-ephemeral.ts'
import { stopRequest } from './stop-request.ts'

export const serveCommand: Command = {
  words: ['serve'],
  summary: 'Run the registry until SIGTERM or Ctrl-C.',
  examples: [
    { line: 'stower serve', does: 'On http://127.0.0.1:8080, with everything in ./data.' },
    {
      line: 'stower serve --listen 0.0.0.0:8080 --external-url https://registry.example.com',
      does: 'For other machines, behind a proxy that speaks TLS.',
    },
    {
      line: 'export $(stower serve --ephemeral &)',
      does: 'For one test: SWR_URL, SWR_ACCESS_KEY, … say where it is and how to log in; "kill $SWR_PID" ends it.',
    },
  ],
  options: [
    {
      name: 'ephemeral',
      about:
        'Keep nothing: a folder of its own that goes in the end, a free port, random credentials, all printed as NAME=value. Only flags count, neither stower.yaml nor STOWER_… variables.',
    },
  ],
  settings: 'listed',
  run: async invocation =>
    invocation.options.ephemeral === true ? serveEphemeral(invocation.configFlags) : serve(requireConfig(invocation)),
}

/** Runs the server until it is told to stop; the answer is the exit code. */
async function serve(config: Config): Promise<number> {
  const logger = openServerLogger(config, process.stdout)
  const asked = stopRequest()
  const server = await startServer({ config, logger })
  logger.info({ url: server.url, dataDir: config.dataDir, database: config.metadata.kind }, 'stower serves')
  if (server.credentials) await handOver(server, config, process.stdout.isTTY === true)
  const reason = await asked
  logger.info({ reason, limitMs: config.shutdownTimeoutMs }, 'stopping')
  await server.stop()
  logger.info({}, 'stopped')
  await logger.flush()
  return 0
}

/**
 * Shows the first administrator's credentials once: on a terminal to whoever sits there, else in a file only the owner
 * can read, so that they stand in no log.
 */
async function handOver(server: RunningServer, config: Config, isTerminal: boolean): Promise<void> {
  if (!server.credentials) return
  const block = firstStartBlock(config.externalUrls[0] ?? server.url, server.credentials)
  if (isTerminal) {
    process.stdout.write(block)
    return
  }
  const file = join(config.dataDir, 'initial-credentials.txt')
  try {
    await writeDurably(file, block)
  } catch (cause) {
    await rm(file, { force: true }).catch(() => {})
    await server.stop()
    const message = `the administrator's credentials could not be written to ${file}: free some space there, and make new ones with \`${programName} credentials reset\``
    throw new DomainError('unavailable', message, {}, { cause })
  }
  process.stdout.write(`The administrator's credentials are in ${file} (read them, then remove the file).\n`)
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
