import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dir, '..', '..')

/** Builds the executable as `npm run build` does, at the path. */
export async function buildExecutable(file: string): Promise<void> {
  await runNode(['scripts/build.mjs', file])
}

/** Makes the container image of an executable; resolves to what was said about it. */
export async function buildImage(executable: string, archive: string): Promise<string> {
  return runNode(['deploy/container.mjs', executable, archive])
}

async function runNode(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('node', args, { cwd: root })
  return stdout
}
