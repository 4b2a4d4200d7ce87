import { describe } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Administration, administer } from '../src/app/administration.ts'
import { type AppOptions, type RunningServer, startServer } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import type { Reader } from '../src/metadata/database.ts'
import { openLogger } from '../src/telemetry/logger.ts'
import type { Engine } from './databases.ts'
import { initialSettings } from './initial-settings.ts'
import { watchAnswers } from './manage/declared-answers.ts'
import { postgresPrograms, postgresServer } from './postgres-server.ts'

/** What every test server is told at its first start. */
export const credentials = {
  account: 'OTC000',
  project: 'eu-de',
  user: 'user1',
  password: 'a-password-for-tests',
  accessKey: 'AKTESTTESTTESTTEST01',
  secretKey: 'SKtestSKtestSKtestSKtestSKtestSKtest0001',
}

export type TestServer = {
  url: string
  host: string
  dataDir: string
  running: RunningServer
  database: Reader
  /** What a command beside it needs to find the same database. */
  databaseEnv: Record<string, string>
  /** Lines of the log so far. */
  log: string[]
  /** `Authorization` of the administrator, as clients of the registry send it. */
  basic: string
  /** Throws where an answer of the management API was not what its operation declares. */
  stop: () => Promise<void>
  /** Stops it and starts it again over the same folder and database, under another `url`. */
  restart: () => Promise<void>
}

/** Describes one suite per metadata engine, for tests that boot a server; as `describeEngines` for a database alone. */
export function describeServers(title: string, suite: (engine: Engine) => void): void {
  describe(`${title} (SQLite)`, () => suite('sqlite'))
  const need = postgresPrograms() ? '' : ' (needs postgresql-15)'
  const describePostgres = postgresPrograms() ? describe : describe.skip
  describePostgres(`${title} (PostgreSQL)${need}`, () => suite('postgres'))
}

/** Boots the whole program in this process on a free port, over a fresh data folder and database. */
export async function startTestServer(
  engine: Engine,
  settings: Record<string, string> = {},
  options: Pick<AppOptions, 'clock' | 'atCommitStep' | 'lookForJobsEveryMs'> = {},
): Promise<TestServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'stower-server-'))
  const databaseEnv: Record<string, string> =
    engine === 'postgres' ? { STOWER_DATABASE_URL: await (await postgresServer()).createMigrated() } : {}
  const env = {
    STOWER_LISTEN: '127.0.0.1:0',
    STOWER_DATA_DIR: dataDir,
    ...initialSettings(credentials),
    ...databaseEnv,
    ...settings,
  }
  const loaded = loadConfig({ flags: [], env, cwd: dataDir })
  if (loaded.kind === 'problems') throw new Error(loaded.problems.join('\n'))
  const log: string[] = []
  const logger = openLogger({ level: 'debug', format: 'json', write: line => log.push(line) })
  const watch = watchAnswers()
  const start = () => startServer({ config: loaded.config, logger, onManagementAnswer: watch.onAnswer, ...options })
  const server: TestServer = {
    ...placeOf(await start()),
    dataDir,
    databaseEnv,
    log,
    basic: `Basic ${btoa(`${credentials.user}:${credentials.password}`)}`,
    stop: async () => {
      await server.running.stop()
      rmSync(dataDir, { recursive: true, force: true })
      watch.assertKept()
    },
    restart: async () => {
      await server.running.stop()
      Object.assign(server, placeOf(await start()))
    },
  }
  return server
}

function placeOf(running: RunningServer): Pick<TestServer, 'url' | 'host' | 'running' | 'database'> {
  return { url: running.url, host: new URL(running.url).host, running, database: running.database }
}

/** What a command does beside the running server. */
export function administerBeside<T>(
  server: TestServer,
  work: (administration: Administration) => Promise<T>,
): Promise<T> {
  const env = { STOWER_DATA_DIR: server.dataDir, ...server.databaseEnv }
  const loaded = loadConfig({ flags: [], env, cwd: server.dataDir })
  if (loaded.kind === 'problems') throw new Error(loaded.problems.join('\n'))
  return administer(loaded.config, work)
}

type Login = { account: string; user: string; password: string }

/** A management token, of the administrator unless another logs in, scoped to the project. */
export async function managementToken(
  server: Pick<TestServer, 'url'>,
  login: Login = credentials,
  project = credentials.project,
): Promise<string> {
  const response = await fetch(`${server.url}/v3/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ['password'],
          password: {
            user: {
              name: login.user,
              password: login.password,
              domain: { name: login.account },
            },
          },
        },
        scope: { project: { name: project } },
      },
    }),
  })
  const token = response.headers.get('x-subject-token')
  if (!token) throw new Error(`no token: ${response.status} ${await response.text()}`)
  return token
}

/** Creates an organization through the management API, in the account of whoever logs in. */
export async function createOrganization(
  server: Pick<TestServer, 'url'>,
  namespace: string,
  login?: Login,
): Promise<void> {
  const response = await fetch(`${server.url}/v2/manage/namespaces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-auth-token': await managementToken(server, login) },
    body: JSON.stringify({ namespace }),
  })
  if (response.status !== 201) throw new Error(`organization: ${response.status} ${await response.text()}`)
}
