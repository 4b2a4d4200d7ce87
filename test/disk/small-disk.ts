import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../slow/raw-connection.ts'
import { commandLine, environment, servedUrl } from '../start/program.ts'
import { requireTool } from '../tools.ts'

/** What a tmpfs counts in. */
export const pageBytes = 4096

/** `stower serve` whose data folder and log lie on a file system of its own, small enough to be filled. */
export type ServerOnSmallDisk = AsyncDisposable & {
  url: string
  pid: number
  /** The data folder, as this process sees it. */
  dataDir: string
  /** What the server has logged and the disk has taken. */
  log: () => string
  /** Leaves so much room, whatever was free before; the file system counts whole pages. */
  leaveFree: (bytes: number) => void
  /** Gives all room back. */
  empty: () => void
}

/**
 * The disk is a tmpfs in a mount namespace that only the server has; it is reached through `/proc/<pid>/root`, and goes
 * with the server.
 */
export async function serveOnSmallDisk(options: {
  sizeMib: number
  env?: Record<string, string>
}): Promise<ServerOnSmallDisk> {
  const mountPoint = mkdtempSync(join(tmpdir(), 'stower-disk-'))
  const dataDir = join(mountPoint, 'data')
  const ownMount = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
  const command = commandLine().map(word => `'${word}'`)
  const script = `
    mount -t tmpfs -o size=${options.sizeMib}m,mode=700 tmpfs '${mountPoint}' || exit 99
    exec ${command.join(' ')} > '${mountPoint}/log' 2>&1`
  const child = Bun.spawn([requireTool('unshare'), '--mount', ...ownMount, 'sh', '-c', script], {
    env: environment({ dataDir, env: options.env ?? {} }),
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
  })
  const seen = `/proc/${child.pid}/root${mountPoint}`
  const log = () => {
    try {
      return readFileSync(`${seen}/log`, 'utf8')
    } catch {
      return ''
    }
  }
  await eventually('it serves', () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${log()}`)
    return servedUrl(log()) !== undefined
  })
  const ballast = `${seen}/ballast`
  return {
    url: servedUrl(log()) ?? '',
    pid: child.pid,
    dataDir: `${seen}/data`,
    log,
    leaveFree: bytes => {
      mkdirSync(ballast, { recursive: true })
      // At no moment there is more: what waits for room would take it.
      const rest = `${ballast}/rest`
      fill(rest)
      if (bytes > 0) truncateSync(rest, Math.floor((statSync(rest).size - bytes) / pageBytes) * pageBytes)
    },
    empty: () => rmSync(ballast, { recursive: true, force: true }),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await child.exited
      rmSync(mountPoint, { recursive: true, force: true })
    },
  }
}

/** Writes to the file until the disk takes not one byte more. */
function fill(file: string): void {
  const fd = openSync(file, 'a')
  let chunk = new Uint8Array(1024 * 1024)
  while (chunk.byteLength > 0) {
    try {
      writeSync(fd, chunk)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      chunk = chunk.subarray(0, Math.floor(chunk.byteLength / 2))
    }
  }
  closeSync(fd)
}
