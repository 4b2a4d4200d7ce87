import { spawn } from 'node:child_process'

export type CommandOptions = { env?: Record<string, string>; cwd?: string; input?: string; limitMs?: number }

/** A program that ended with a code other than 0; its message holds all that was printed. */
export class CommandError extends Error {}

/** Runs a program and resolves to what it printed, stdout before stderr. Throws `CommandError`. */
export async function run(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await finish(file, args, options)
  if (code !== 0) throw new CommandError(`${file} ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`)
  return stdout + stderr
}

function finish(file: string, args: readonly string[], { env, cwd, input, limitMs = 240_000 }: CommandOptions) {
  const { promise, resolve, reject } = Promise.withResolvers<{ code: number | null; stdout: string; stderr: string }>()
  const child = spawn(file, args, {
    ...(cwd !== undefined && { cwd }),
    env: { PATH: process.env.PATH, ...env },
    timeout: limitMs,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  child.on('error', reject)
  child.on('close', code => resolve({ code, stdout, stderr }))
  child.stdin.on('error', () => {}) // It may end without reading what we have to say.
  child.stdin.end(input ?? '')
  return promise
}
