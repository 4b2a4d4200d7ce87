import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const launcher = join(dirname(dirname(import.meta.dir)), 'bin', 'stower.mjs')

/** `stower serve` as a user starts it, through the launcher. Disposing it ends it, if need be by force. */
export type Program = AsyncDisposable & {
  pid: number
  /** What it has written so far. */
  output: { stdout: string; stderr: string }
  /** Its address, as soon as it serves. Rejects with all it said when it ends before. */
  serving: Promise<string>
  signal: (signal: NodeJS.Signals) => void
  ended: Promise<Ended>
}

export type Ended = { code: number; stdout: string; stderr: string }

export type LaunchOptions = {
  dataDir: string
  env?: Record<string, string>
  flags?: readonly string[]
  /** A command that the program runs under, with its flags. */
  under?: readonly string[]
}

/** The words of a command line that serves. */
export function commandLine(flags: readonly string[] = []): string[] {
  return ['node', launcher, 'serve', ...flags]
}

export function environment({ dataDir, env }: LaunchOptions): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: tmpdir(),
    STOWER_LISTEN: '127.0.0.1:0',
    STOWER_DATA_DIR: dataDir,
    ...env,
  }
}

export function launch(options: LaunchOptions): Program {
  const child = Bun.spawn([...(options.under ?? []), ...commandLine(options.flags)], {
    cwd: tmpdir(),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: environment(options),
  })
  const output = { stdout: '', stderr: '' }
  const serving = Promise.withResolvers<string>()
  // It may be meant to end before it serves.
  serving.promise.catch(() => {})
  const collected = Promise.all([
    collect(child.stdout, text => {
      output.stdout += text
      const url = servedUrl(output.stdout)
      if (url !== undefined) serving.resolve(url)
    }),
    collect(child.stderr, text => {
      output.stderr += text
    }),
  ])
  const ended = (async () => {
    const code = await child.exited
    await collected
    serving.reject(new Error(`ended with ${code} before it served: ${output.stdout}${output.stderr}`))
    return { code, ...output }
  })()
  return {
    pid: child.pid,
    output,
    serving: serving.promise,
    signal: signal => child.kill(signal),
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** The address in the log line that says that it serves, in either format. */
export function servedUrl(stdout: string): string | undefined {
  return (/"url":"([^"]+)".*"message":"stower serves"/.exec(stdout) ?? /stower serves.* url=(\S+)/.exec(stdout))?.[1]
}

/** Starts it, sees that it answers, and stops it: how a folder shows that nothing in it is damaged. */
export async function startAndStop(options: LaunchOptions): Promise<Ended> {
  await using program = launch(options)
  const { status } = await fetch(`${await program.serving}/readyz`)
  program.signal('SIGTERM')
  const ended = await program.ended
  if (status !== 200 || ended.code !== 0) throw new Error(`readyz ${status}, code ${ended.code}: ${ended.stderr}`)
  return ended
}

/** A folder for a test, gone when it is disposed. */
export function temporaryFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'stower-start-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

async function collect(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }))
}
