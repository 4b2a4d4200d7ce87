import { tmpdir } from 'node:os'
import { commandLine } from './program.ts'

/** `stower serve --ephemeral`, that says what it is reached by. Disposing it ends it, if need be by force. */
export type Ephemeral = AsyncDisposable & {
  /** What it printed, by name. */
  variables: Record<string, string>
  signal: (signal: NodeJS.Signals) => void
  ended: Promise<{ code: number; stderr: string }>
}

/** Resolves when standard output is at its end, which is before the program's. Rejects when nothing was said. */
export async function serveEphemeral(
  flags: readonly string[] = [],
  { env = {}, cwd = tmpdir(), command = commandLine() }: Options = {},
): Promise<Ephemeral> {
  const child = Bun.spawn([...command, '--ephemeral', ...flags], {
    cwd,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: { PATH: process.env.PATH ?? '', HOME: tmpdir(), ...env },
  })
  const stderr = new Response(child.stderr).text()
  const ended = (async () => ({ code: await child.exited, stderr: await stderr }))()
  const variables = parseVariables(await new Response(child.stdout).text())
  if (variables.SWR_URL === undefined) throw new Error(`it said nothing: ${JSON.stringify(await ended)}`)
  return {
    variables,
    signal: signal => child.kill(signal),
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

type Options = { env?: Record<string, string>; cwd?: string; command?: readonly string[] }

/** Of bare values. */
function parseVariables(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]))
}
