import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, openSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { processTree } from './processes.ts'
import { type Registry, repository } from './registry.ts'

/** A program that takes part. */
export type Contestant = {
  name: string
  /** What is on and what is off, for the reader of the figures. */
  about: string
  isStower: boolean
  /** Starts it over the folder, which is new or was used by an earlier start; resolves at its first answer of 200. */
  start: (folder: string) => Promise<Running>
}

export type Running = Registry & {
  /** From the call of the program to the first answer of 200. */
  startMs: number
  /** The process that serves, without a launcher. */
  serverPid: () => number
  stop: () => Promise<void>
}

const root = join(import.meta.dir, '..')
const credentials = { account: 'bench', project: 'local', user: 'bench', password: 'password of the benchmark' }

export const stowerByNpm: Contestant = {
  name: 'Stower, npm start',
  about: 'SQLite and folder, bearer tokens, synced',
  isStower: true,
  start: folder => startStower(['npm', 'start', '--silent'], folder),
}

export const stower: Contestant = { ...stowerByNpm, name: 'Stower', start: folder => startStower(launcher, folder) }

export function stowerExecutable(file: string): Contestant {
  return { ...stowerByNpm, name: 'Stower, executable', start: folder => startStower([file, 'serve'], folder) }
}

export const dockerRegistry: Contestant = {
  name: 'docker-registry',
  about: 'Debian’s package, folder, no authentication',
  isStower: false,
  start: async folder => {
    const { port } = await freePort()
    return startRegistry(folder, port, { storage: registryStorage(folder), authorization: undefined })
  },
}

/** The file Debian ships, with another folder, port and user. */
export const dockerRegistryAsInstalled: Contestant = {
  name: 'docker-registry as installed',
  about: 'Debian’s settings: descriptors cached in memory, basic authentication (bcrypt)',
  isStower: false,
  start: async folder => {
    const { port } = await freePort()
    const { user, password } = credentials
    mkdirSync(folder, { recursive: true })
    const hash = await Bun.password.hash(password, { algorithm: 'bcrypt', cost: 5 })
    writeFileSync(join(folder, 'htpasswd'), `${user}:${hash}\n`)
    return startRegistry(folder, port, {
      storage: `${registryStorage(folder)}
  cache: { blobdescriptor: inmemory }
  delete: { enabled: true }`,
      rest: `
auth: { htpasswd: { realm: basic-realm, path: ${join(folder, 'htpasswd')} } }
health: { storagedriver: { enabled: true, interval: 10s, threshold: 3 } }`,
      authorization: basic(),
    })
  },
}

/** What Stower answers to a login, a right one or one with a wrong password. */
export async function logIn({ host }: Registry, password: string = credentials.password): Promise<Response> {
  const query = `service=dockyard&scope=repository:${repository}:pull,push`
  const headers = { Authorization: basic(password) }
  return fetch(`http://${host}/swr/auth/v2/registry/auth/?${query}`, { headers })
}

const launcher = ['node', join(root, 'bin', 'stower.mjs'), 'serve']

async function startStower(command: readonly string[], folder: string): Promise<Running> {
  const { host } = await freePort()
  const process = launch(command, folder, {
    STOWER_LISTEN: host,
    STOWER_DATA_DIR: join(folder, 'data'),
    STOWER_TOKENS_DOCKER_LIFE: '24h',
    STOWER_INIT_ACCOUNT: credentials.account,
    STOWER_INIT_PROJECT: credentials.project,
    STOWER_INIT_USER: credentials.user,
    STOWER_INIT_PASSWORD: credentials.password,
  })
  return orStop(process, async () => {
    const startMs = await firstAnswer(process, `http://${host}/readyz`)
    const registry = { host, repository, authorization: undefined }
    await createOrganization(host)
    const { token } = (await (await logIn(registry)).json()) as { token: string }
    return { ...registry, authorization: `Bearer ${token}`, startMs, ...process }
  })
}

type RegistrySettings = { storage: string; rest?: string; authorization: string | undefined }

async function startRegistry(folder: string, port: number, settings: RegistrySettings): Promise<Running> {
  const host = `127.0.0.1:${port}`
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'config.yml')
  writeFileSync(
    file,
    `version: 0.1\nstorage:\n${settings.storage}\nhttp: { addr: '${host}' }\n${settings.rest ?? ''}\n`,
  )
  const process = launch(['docker-registry', 'serve', file], folder, {})
  return orStop(process, async () => {
    const startMs = await firstAnswer(process, `http://${host}/`)
    return { host, repository, authorization: settings.authorization, startMs, ...process }
  })
}

function registryStorage(folder: string): string {
  return `  filesystem: { rootdirectory: ${join(folder, 'data')} }`
}

type Launched = { startedMs: number; child: ChildProcess; serverPid: () => number; stop: () => Promise<void> }

/** The log goes to a file, as it does under a service manager. */
function launch([file = '', ...args]: readonly string[], folder: string, settings: Record<string, string>): Launched {
  mkdirSync(folder, { recursive: true })
  const log = openSync(join(folder, 'log'), 'a')
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STOWER_'))),
    // Only for what is measured: this process may have it set for its own pool.
    UV_THREADPOOL_SIZE: undefined,
    ...settings,
  }
  const startedMs = performance.now()
  const child = spawn(file, args, { cwd: root, env, stdio: ['ignore', log, log] })
  const ended = new Promise<void>(resolve => child.on('exit', () => resolve()))
  return {
    startedMs,
    child,
    serverPid: () => processTree(child.pid ?? 0).at(-1) ?? 0,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** A server that can't be used must not go on running. */
async function orStop(process: Launched, prepare: () => Promise<Running>): Promise<Running> {
  try {
    return await prepare()
  } catch (error) {
    await process.stop()
    throw error
  }
}

/** Milliseconds until the URL is answered with 200. */
async function firstAnswer({ child, startedMs }: Launched, url: string): Promise<number> {
  while (child.exitCode === null) {
    const answer = await fetch(url, { keepalive: false }).catch(() => undefined)
    if (answer?.status === 200) return performance.now() - startedMs
    await Bun.sleep(1)
  }
  throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}`)
}

async function createOrganization(host: string): Promise<void> {
  const { account, project, user, password } = credentials
  const identity = { methods: ['password'], password: { user: { domain: { name: account }, name: user, password } } }
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`http://${host}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const answer = await post('/v3/auth/tokens', { auth: { identity, scope: { project: { name: project } } } })
  const token = answer.headers.get('X-Subject-Token') ?? ''
  const [namespace] = repository.split('/')
  const { status } = await post('/v2/manage/namespaces', { namespace }, { 'X-Auth-Token': token })
  // A second start finds the one of the first.
  if (status !== 201 && status !== 409) throw new Error(`the organization was answered ${status}`)
}

function basic(password: string = credentials.password): string {
  return `Basic ${btoa(`${credentials.user}:${password}`)}`
}

/** One that nobody listens on at this moment. */
function freePort(): Promise<{ port: number; host: string }> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve({ port, host: `127.0.0.1:${port}` }))
    })
  })
}
