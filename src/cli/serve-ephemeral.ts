import { mkdtempSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openServerLogger } from '../app/logs.ts'
import { type RunningServer, startServer } from '../app.ts'
import type { ConfigFlag } from '../config/sources.ts'
import { type Config, loadConfig } from '../config.ts'
import { DomainError } from '../core/errors.ts'
import { deriveLoginKey } from '../protocol/auth/login-key.ts'
import { formatEnvironment } from './environment-lines.ts'
import { leaveOutput, standardOutput } from './leave-output.ts'
import { stopRequest } from './stop-request.ts'

/**
 * Serves a folder of its own that goes in the end, whatever ends it but a SIGKILL. As soon as it answers, standard output
 * says where it is and how to log in, and is let go; the log is on standard error.
 */
export async function serveEphemeral(flags: readonly ConfigFlag[]): Promise<number> {
  const asked = stopRequest()
  using folder = temporaryFolder()
  const config = ephemeralConfig(flags, folder.path)
  const logger = openServerLogger(config, process.stderr)
  const server = await startServer({ config, logger, isEphemeral: true })
  writeSync(standardOutput, formatEnvironment(variablesOf(server, config)))
  leaveOutput()
  await asked
  await server.stop()
  await logger.flush()
  return 0
}

/** What holds where no flag says otherwise. */
const defaults = {
  STOWER_LISTEN: '127.0.0.1:0',
  // Every line of a test's output is read by someone who looks for something else.
  STOWER_LOG_LEVEL: 'warn',
  // A test that ends waits for nobody.
  STOWER_SHUTDOWN_TIMEOUT: '1s',
}

/** Neither a file nor the environment counts: those are an installation's, which a test must not touch. */
function ephemeralConfig(flags: readonly ConfigFlag[], dataDir: string): Config {
  const lasting = flags.find(({ name }) => ['config', 'data-dir', 'database-url', 'database-url-file'].includes(name))
  if (lasting) {
    throw new DomainError('parameter_invalid', `--ephemeral keeps nothing and --${lasting.name} does: leave one out`)
  }
  const env = { ...defaults, STOWER_DATA_DIR: dataDir }
  const loaded = loadConfig({ flags, env, cwd: process.cwd(), withoutFile: true })
  if (loaded.kind === 'problems') throw new DomainError('parameter_invalid', loaded.problems.join('\n'))
  return loaded.config
}

/** What a client of any kind needs. */
function variablesOf({ url: listenUrl, credentials }: RunningServer, config: Config) {
  if (!credentials) throw new Error('a new folder held an account')
  const url = config.externalUrls[0] ?? listenUrl
  return {
    SWR_PID: process.pid,
    SWR_URL: url,
    SWR_HOST: new URL(url).host,
    SWR_AUTH_URL: `${url}/v3`,
    SWR_REGION: config.region,
    SWR_ACCOUNT: credentials.account,
    SWR_ACCOUNT_ID: credentials.accountId,
    SWR_PROJECT: credentials.project,
    SWR_PROJECT_ID: credentials.projectId,
    SWR_USER: credentials.user,
    SWR_PASSWORD: credentials.password,
    SWR_ACCESS_KEY: credentials.accessKey,
    SWR_SECRET_KEY: credentials.secretKey,
    SWR_LOGIN_USER: `${credentials.project}@${credentials.accessKey}`,
    SWR_LOGIN_KEY: deriveLoginKey(credentials.accessKey, credentials.secretKey),
    SWR_DATA_DIR: config.dataDir,
  }
}

function temporaryFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'stower-ephemeral-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}
