import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { initialSettings } from '../test/initial-settings.ts'
import { waitUntil } from './wait.ts'

/** What every program under test is told at its first start. */
export const credentials = {
  account: 'OTC-ACCEPTANCE',
  project: 'eu-de',
  user: 'user1',
  password: 'pass word: of the first user',
  accessKey: 'AKACCEPTANCE00000001',
  secretKey: 'SKacceptanceSKacceptanceSKacceptanceSK01',
}

export type Login = { user: string; password: string }

/** The two ways of the docker side to log in as the administrator. */
export const logins = {
  password: { user: credentials.user, password: credentials.password },
  'access key': {
    user: `${credentials.project}@${credentials.accessKey}`,
    password: createHmac('sha256', credentials.secretKey).update(credentials.accessKey).digest('hex'),
  },
} as const satisfies Record<string, Login>

/** A Stower in processes of its own, known by its URL alone. Disposing of it kills what still runs. */
export type Program = AsyncDisposable & {
  readonly url: string
  /** `127.0.0.1:PORT`, the first part of every image's name. */
  readonly host: string
  readonly dataDir: string
  /** Of the process that was started; the server may be one below it. */
  readonly pid: number
  /** The end of what it has printed. */
  readonly output: () => string
  /** Kills all its processes at once, without a chance to write anything more. */
  kill9: () => Promise<void>
  /** Starts it again after `kill9` or `stop`, under the same URL over the same data; resolves when it is ready. */
  restart: () => Promise<void>
  /** SIGTERM. Throws when it does not end by itself with the exit code 0. */
  stop: () => Promise<void>
}

export type ProgramOptions = {
  /** What to run; `serve` is put behind it. Without it STOWER_ACCEPTANCE_PROGRAM, and without that the launcher. */
  command?: readonly string[]
  /** A data folder that is there already. It is kept; one of our own making is removed. */
  dataDir?: string
  /** More settings, as environment variables. */
  settings?: Record<string, string>
}

/** Starts the program on a free port and waits until `/readyz` says that it is. */
export async function startProgram(options: ProgramOptions = {}): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), 'stower-acceptance-'))
  const dataDir = options.dataDir ?? join(folder, 'data')
  const command = options.command ?? defaultCommand()
  const port = await freePort()
  const host = `127.0.0.1:${port}`
  const url = `http://${host}`
  const env = {
    ...withoutSettings(process.env),
    // Below npm the launcher ends when its parent is gone: a killed test run leaves no server behind.
    npm_lifecycle_event: 'test',
    STOWER_LISTEN: host,
    STOWER_DATA_DIR: dataDir,
    ...initialSettings(credentials),
    ...options.settings,
  }
  let running: Run | undefined
  const start = async () => {
    running = launch(command, env, folder)
    await becomeReady(url, running)
  }
  const kill9 = async () => {
    running?.signalGroup('SIGKILL')
    await running?.closed
    running = undefined
  }
  const remove = async () => {
    await kill9()
    process.off('exit', killAtExit)
    rmSync(folder, { recursive: true, force: true })
  }
  // A test run that ends early must leave no server behind.
  const killAtExit = () => running?.signalGroup('SIGKILL')
  process.on('exit', killAtExit)
  try {
    await start()
  } catch (error) {
    await remove()
    throw error
  }
  return {
    url,
    host,
    dataDir,
    get pid() {
      if (running?.child.pid === undefined) throw new Error('the program does not run')
      return running.child.pid
    },
    output: () => running?.output() ?? '',
    kill9,
    restart: start,
    stop: async () => {
      const ended = running
      running = undefined
      if (ended) await endBySignal(ended)
    },
    [Symbol.asyncDispose]: remove,
  }
}

/** A management token of the administrator, scoped to the project. */
export async function managementToken(program: Pick<Program, 'url'>): Promise<string> {
  const user = { domain: { name: credentials.account }, name: credentials.user, password: credentials.password }
  const response = await fetch(`${program.url}/v3/auth/tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user } },
        scope: { project: { name: credentials.project } },
      },
    }),
  })
  const token = response.headers.get('X-Subject-Token')
  if (response.status !== 201 || !token) throw new Error(`no token: ${response.status} ${await response.text()}`)
  return token
}

/** Creates an organization through the management API. */
export async function createOrganization(program: Pick<Program, 'url'>, namespace: string): Promise<void> {
  const response = await fetch(`${program.url}/v2/manage/namespaces`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Auth-Token': await managementToken(program) },
    body: JSON.stringify({ namespace }),
  })
  if (response.status !== 201) throw new Error(`no organization: ${response.status} ${await response.text()}`)
}

type Run = {
  readonly child: ChildProcess
  /** All that it printed so far. */
  readonly output: () => string
  /** The exit code, once all its processes are gone: they share the pipe of the output. */
  readonly closed: Promise<number | null>
  readonly signalGroup: (signal: NodeJS.Signals) => void
}

function defaultCommand(): readonly string[] {
  const executable = process.env.STOWER_ACCEPTANCE_PROGRAM
  return executable ? [executable] : ['node', join(dirname(import.meta.dir), 'bin', 'stower.mjs')]
}

/** What the person who runs the tests has set for a Stower of their own is none of our business. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('STOWER_')))
}

function launch([file = '', ...args]: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Run {
  // In a process group of its own, so that the launcher and what it launched can be killed together.
  const child = spawn(file, [...args, 'serve'], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', text => {
      output = (output + text).slice(-100_000)
    })
  }
  const closed = new Promise<number | null>(resolve => {
    child.on('close', code => resolve(code))
    child.on('error', error => {
      output += error.message
      resolve(null)
    })
  })
  const signalGroup = (signal: NodeJS.Signals) => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, signal)
    } catch {
      // The group is gone already.
    }
  }
  return { child, output: () => output, closed, signalGroup }
}

async function becomeReady(url: string, run: Run): Promise<void> {
  const ended = run.closed.then(code => {
    throw new Error(`the program ended with ${code}:\n${run.output()}`)
  })
  const isReady = async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.status === 200
  const ready = waitUntil(isReady, () => `the program is ready (it printed: ${run.output()})`, 30_000)
  await Promise.race([ready, ended])
}

async function endBySignal(run: Run): Promise<void> {
  let isClosed = false
  const closed = run.closed.finally(() => {
    isClosed = true
  })
  run.child.kill('SIGTERM')
  try {
    await waitUntil(
      () => isClosed,
      () => 'the program ends after SIGTERM',
      40_000,
    )
  } catch (error) {
    run.signalGroup('SIGKILL')
    throw error
  }
  const code = await closed
  if (code !== 0) throw new Error(`the program ended with ${code} after SIGTERM:\n${run.output()}`)
}

/**
 * A port below those that outgoing connections take (Linux: from 32768 on), so that none of them sits on it while the
 * program is down between a kill and its restart.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFree(port)) return port
  }
  throw new Error('no free port between 20000 and 32000')
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
