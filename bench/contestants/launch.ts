import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { processTree } from '../processes.ts'
import type { Running } from './contestant.ts'

export const root = join(import.meta.dir, '..', '..')

export type Launched = { startedMs: number; child: ChildProcess; serverPid: () => number; stop: () => Promise<void> }

/** The log goes to a file, as it does under a service manager. */
export function launch(
  [file = '', ...args]: readonly string[],
  folder: string,
  settings: Record<string, string>,
): Launched {
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
  const end = () => child.kill('SIGTERM')
  // Also when the run is given up: a server must not outlive it.
  process.on('exit', end)
  const ended = new Promise<void>(resolve =>
    child.on('exit', () => {
      process.off('exit', end)
      resolve()
    }),
  )
  return {
    startedMs,
    child,
    serverPid: () => processTree(child.pid ?? 0).at(-1) ?? 0,
    stop: async () => {
      end()
      await ended
    },
  }
}

/** A server that can't be used must not go on running. */
export async function orStop(process: Launched, prepare: () => Promise<Running>): Promise<Running> {
  try {
    return await prepare()
  } catch (error) {
    await process.stop()
    throw error
  }
}

/** Milliseconds until the URL is answered with 200. */
export async function firstAnswer({ child, startedMs }: Launched, url: string): Promise<number> {
  while (child.exitCode === null) {
    const answer = await fetch(url, { keepalive: false }).catch(() => undefined)
    if (answer?.status === 200) return performance.now() - startedMs
    await Bun.sleep(1)
  }
  throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}`)
}

/** One that nobody listens on at this moment. */
export function freePort(): Promise<{ port: number; host: string }> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve({ port, host: `127.0.0.1:${port}` }))
    })
  })
}

/** The program where the tests keep theirs, or on the PATH. */
export function findProgram(name: string): string | undefined {
  return Bun.which(name, { PATH: `${join(root, '.cache', 'go-bin')}:${process.env.PATH ?? ''}` }) ?? undefined
}
