import { chmodSync, existsSync, mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A real PostgreSQL server for this test process, or undefined where the machine has none. */
export type PostgresServer = { url: (database: string) => string; createDatabase: () => Promise<string> }

let server: Promise<PostgresServer> | undefined

/** Starts the server once per process; it is stopped when the process ends. */
export function postgresServer(): Promise<PostgresServer> {
  server ??= start()
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

async function start(): Promise<PostgresServer> {
  const programs = postgresPrograms()
  if (!programs) throw new Error('PostgreSQL is not installed: STOWER_TEST_INSTALL=1 npm test brings it')
  const folder = mkdtempSync(join(tmpdir(), 'stower-postgres-'))
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
  const options = [
    `-p ${port}`,
    '-c listen_addresses=127.0.0.1',
    `-c unix_socket_directories=${folder}`,
    '-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=16MB',
  ].join(' ')
  run([...asUser, `${programs}/pg_ctl`, '-D', `${folder}/data`, '-w', '-l', `${folder}/log`, '-o', options, 'start'])
  // Ends with this process, however that ends; on its own, because the test runner ends what a file leaves behind.
  const stop = [...asUser, `${programs}/pg_ctl`, '-D', `${folder}/data`, '-m', 'immediate', 'stop'].join(' ')
  const watch = `while kill -0 ${process.pid}; do sleep 0.5; done; ${stop}; rm -rf ${folder}`
  Bun.spawnSync(['setsid', '-f', 'sh', '-c', watch], { cwd: '/', stdio: ['ignore', 'ignore', 'ignore'] })
  const url = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`
  let made = 0
  return {
    url,
    createDatabase: async () => {
      const name = `stower_${process.pid}_${++made}`
      // Names must compare byte for byte whatever the database's own locale is.
      run([`${programs}/psql`, url('postgres'), '-qc', `create database ${name}`])
      return url(name)
    },
  }
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
