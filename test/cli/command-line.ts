import { sharedExecutable } from '../build/executable.ts'

export type CommandResult = { code: number; out: string; err: string }

/**
 * Runs one `stower` command as a process of its own, with nothing of this process's environment but PATH. It is the
 * executable, which starts in a seventh of the time that the script takes.
 */
export async function stower(
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; input?: string } = {},
): Promise<CommandResult> {
  const child = Bun.spawn([await sharedExecutable(), ...args], {
    cwd: options.cwd ?? import.meta.dir,
    env: { PATH: process.env.PATH ?? '', ...options.env },
    stdin: new Blob([options.input ?? '']),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { code, out, err }
}
