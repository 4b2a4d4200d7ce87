import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { run } from '../../acceptance/command.ts'
import { initialSettings } from '../initial-settings.ts'
import { credentials } from '../server.ts'
import { sharedFolder } from '../shared.ts'

const root = dirname(dirname(import.meta.dir))

/** As `bin/stower.mjs` sets it. */
const launcherThreads = 32

export type ServerProcessOptions = {
  dataDir: string
  databaseUrl?: string
  threads?: number
  /** Sweeps ten times a second, without a grace time. */
  isSweeping?: boolean
  /** The step at which it kills itself, from its start; `arm` does so later. */
  armed?: string
  /** A command that the server runs under, e.g. strace with its flags. */
  under?: readonly string[]
}

/** The program in a process of its own (`child.ts`). */
export type ServerProcess = {
  pid: number
  /** Its address, as soon as it serves. Rejects with all it said when it ends before. */
  ready: Promise<string>
  arm: (step: string, countdown: number) => void
  /** Resolves when the opening of each path is on its way. */
  block: (paths: readonly string[]) => Promise<void>
  kill: () => void
  /** As `kill`, for a server under a command: that command outlives it. */
  die: () => void
  stop: () => void
  /** How it ended. */
  ended: Promise<{ signal: string | number | null; code: number | null; complaints: string }>
}

export async function spawnServer(options: ServerProcessOptions): Promise<ServerProcess> {
  const child = Bun.spawn([...(options.under ?? []), await sharedChild()], {
    cwd: tmpdir(),
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    env: {
      PATH: process.env.PATH,
      HOME: tmpdir(),
      UV_THREADPOOL_SIZE: String(options.threads ?? launcherThreads),
      STOWER_LISTEN: '127.0.0.1:0',
      STOWER_DATA_DIR: options.dataDir,
      STOWER_TOKENS_DOCKER_LIFE: '24h',
      ...initialSettings(credentials),
      ...(options.isSweeping && {
        STOWER_GC_GRACE: '0s',
        SWEEP_EVERY_MS: '100',
        LOOK_FOR_JOBS_EVERY_MS: '20',
      }),
      ...(options.armed !== undefined && { ARMED: options.armed }),
      ...(options.databaseUrl !== undefined && { STOWER_DATABASE_URL: options.databaseUrl }),
    },
  })
  const complaints = new Response(child.stderr).text()
  const said = listen(child.stdout)
  const order = (text: string) => {
    child.stdin.write(`${text}\n`)
    child.stdin.flush()
  }
  return {
    pid: child.pid,
    ready: said.find(/^ready (\S+)$/).catch(async cause => {
      throw new Error(`the server ended before it served: ${await complaints}`, { cause })
    }),
    arm: (step, countdown) => order(`arm ${step} ${countdown}`),
    block: async paths => {
      order(`block ${paths.join(' ')}`)
      await said.find(/^blocked$/)
    },
    kill: () => child.kill('SIGKILL'),
    die: () => order('die'),
    stop: () => order('stop'),
    ended: (async () => {
      await child.exited
      return { signal: child.signalCode, code: child.exitCode, complaints: await complaints }
    })(),
  }
}

/**
 * `child.ts` as an executable, built once for all test files of a run: it is started some hundred times, and would read
 * as many files each time.
 */
async function sharedChild(): Promise<string> {
  const folder = await sharedFolder('crash-child', async folder => {
    const flags = ['--compile', '--root=src', '--bytecode', '--format=esm', '--no-compile-autoload-dotenv']
    // The second is loaded by its address at run time.
    const entries = ['test/crash/child.ts', 'src/metadata/sqlite/checkpointer.ts']
    const args = ['build', ...flags, ...entries, `--outfile=${join(folder, 'child')}`]
    await run(process.execPath, args, { cwd: root })
    return 'true'
  })
  return join(folder, 'child')
}

/** Takes lines as they come. `find` resolves to what the first line that fits caught; it rejects when none can come. */
function listen(stdout: ReadableStream<Uint8Array>): { find: (wanted: RegExp) => Promise<string> } {
  const lines: string[] = []
  let changed = Promise.withResolvers<void>()
  let isOver = false
  const note = () => {
    changed.resolve()
    changed = Promise.withResolvers<void>()
  }
  const take = async () => {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of stdout) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = parts.pop() ?? ''
      lines.push(...parts)
      note()
    }
    isOver = true
    note()
  }
  void take()
  return {
    find: async wanted => {
      for (;;) {
        const found = lines.map(line => wanted.exec(line)).find(match => match !== null)
        if (found) return found[1] ?? found[0]
        if (isOver) throw new Error(`no line fits ${wanted}`)
        await changed.promise
      }
    },
  }
}
