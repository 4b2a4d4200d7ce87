import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { migrate } from '../src/metadata/migrate.ts'
import { openPostgres } from '../src/metadata/postgres/database.ts'
import { sharedFolder } from './shared.ts'

/** A real PostgreSQL server, or undefined where the machine has none. */
export type PostgresServer = {
  /** An empty database; its URL. */
  createDatabase: () => Promise<string>
  /** One with the newest schema, which takes half the time of bringing it there. */
  createMigrated: () => Promise<string>
}

const template = 'stower_migrated'

let server: Promise<PostgresServer> | undefined

/** The one server of all test files that run beside this one. It starts at the first call and ends with their run. */
export function postgresServer(): Promise<PostgresServer> {
  server ??= provide()
  return server
}

/** The folder of PostgreSQL's own programs (15 or newer), which Debian keeps off PATH. */
export function postgresPrograms(): string | undefined {
  for (const version of [18, 17, 16, 15]) {
    const folder = `/usr/lib/postgresql/${version}/bin`
    if (existsSync(`${folder}/postgres`)) return folder
  }
  const found = Bun.which('postgres')
  return found ? join(found, '..') : undefined
}

async function provide(): Promise<PostgresServer> {
  const programs = postgresPrograms()
  if (!programs) throw new Error('PostgreSQL is not installed: STOWER_TEST_INSTALL=1 npm test brings it')
  const folder = await sharedFolder('postgres', async folder => {
    const stop = await start(programs, folder)
    await makeTemplate(programs, urlOf(folder))
    return stop
  })
  const url = urlOf(folder)
  const create = async (options: string) => {
    const name = `stower_${Bun.randomUUIDv7('hex').replaceAll('-', '')}`
    // Names must compare byte for byte whatever the database's own locale is.
    run([`${programs}/psql`, url('postgres'), '-qc', `create database ${name} ${options}`])
    return url(name)
  }
  return {
    createDatabase: () => create(''),
    createMigrated: () => create(`template ${template} strategy file_copy`),
  }
}

/** The URLs of the databases of the server that keeps everything in the folder. */
function urlOf(folder: string): (database: string) => string {
  const port = readFileSync(join(folder, 'port'), 'utf8')
  return database => `postgres://postgres@127.0.0.1:${port}/${database}`
}

/** A server of its own that copies another which never comes: it answers reads and takes no changes. */
export async function startStandby(folder: string): Promise<{ url: string; stop: () => void }> {
  const programs = postgresPrograms()
  if (!programs) throw new Error('PostgreSQL is not installed: STOWER_TEST_INSTALL=1 npm test brings it')
  const stop = await start(programs, folder, { isStandby: true })
  return { url: urlOf(folder)('postgres'), stop: () => run(stop.split(' ')) }
}

/** Starts a server with everything in the folder, and resolves to the command that stops it. */
async function start(programs: string, folder: string, { isStandby = false } = {}): Promise<string> {
  chmodSync(folder, 0o755)
  const port = await freePort()
  // The server refuses to run as root.
  const asUser = process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--'] : []
  if (asUser.length > 0) run(['chown', 'postgres', folder])
  run([
    ...asUser,
    `${programs}/initdb`,
    '-D',
    `${folder}/data`,
    '-U',
    'postgres',
    '-A',
    'trust',
    '--locale=C.UTF-8',
    '-E',
    'UTF8',
    '--no-sync',
  ])
  if (isStandby) run([...asUser, 'touch', `${folder}/data/standby.signal`])
  const options = [
    `-p ${port}`,
    '-c listen_addresses=127.0.0.1',
    `-c unix_socket_directories=${folder}`,
    '-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=500 -c shared_buffers=64MB',
    // It would go through the databases of all tests, one after another.
    '-c autovacuum=off',
  ].join(' ')
  run([...asUser, `${programs}/pg_ctl`, '-D', `${folder}/data`, '-w', '-l', `${folder}/log`, '-o', options, 'start'])
  writeFileSync(join(folder, 'port'), String(port))
  return [...asUser, `${programs}/pg_ctl`, '-D', `${folder}/data`, '-m', 'immediate', 'stop'].join(' ')
}

async function makeTemplate(programs: string, url: (database: string) => string): Promise<void> {
  run([`${programs}/psql`, url('postgres'), '-qc', `create database ${template}`])
  await using db = await openPostgres({ url: url(template), connections: 1 })
  await migrate(db, { copyFile: () => '', nowMs: Date.now() })
}

function run(command: string[]): void {
  const { exitCode, stderr, stdout } = Bun.spawnSync(command, { cwd: '/' })
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}: ${stdout}${stderr}`)
}

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => (address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}
