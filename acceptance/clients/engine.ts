import { spawn } from 'node:child_process'
import { basename } from 'node:path'
import { waitUntil } from '../wait.ts'

/** A service of this machine that a client works through. Disposing of it stops it and removes all it kept. */
export type Engine = AsyncDisposable & { readonly socket: string }

export type EngineOptions = {
  readonly folder: string
  readonly socket: string
  readonly command: readonly [file: string, ...args: string[]]
  /** Rejects as long as the engine doesn't answer. */
  readonly answers: () => Promise<unknown>
  /** Removes what it leaves behind. */
  readonly clean: () => Promise<void>
}

/** Starts an engine and waits until it answers. */
export async function startEngine({ folder, socket, command, answers, clean }: EngineOptions): Promise<Engine> {
  const name = basename(command[0])
  // setpriv: should this process be killed, the engine does not stay behind.
  const engine = spawn('setpriv', ['--pdeathsig', 'TERM', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: folder,
  })
  let output = ''
  for (const stream of [engine.stdout, engine.stderr]) {
    stream.setEncoding('utf8').on('data', text => {
      output = (output + text).slice(-20_000)
    })
  }
  let hasEnded = false
  engine.on('exit', () => {
    hasEnded = true
  })
  engine.on('error', error => {
    hasEnded = true
    output += error.message
  })
  const killAtExit = () => engine.kill('SIGKILL')
  process.on('exit', killAtExit)
  const stop = async () => {
    engine.kill('SIGTERM')
    const ended = () => hasEnded
    await waitUntil(ended, () => `${name} ends after SIGTERM`, 20_000).finally(() => engine.kill('SIGKILL'))
    process.off('exit', killAtExit)
    await clean()
  }
  const isReady = async () => {
    if (hasEnded) throw new Error(`${name} ended:\n${output}`)
    return answers().then(
      () => true,
      () => false,
    )
  }
  try {
    await waitUntil(isReady, () => `${name} answers (it printed: ${output})`, 60_000)
  } catch (error) {
    await stop()
    throw error
  }
  return { socket, [Symbol.asyncDispose]: stop }
}
