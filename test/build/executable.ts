import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sharedFolder } from '../shared.ts'

const root = join(import.meta.dir, '..', '..')

/** The executable, built once for all test files of a run; nobody changes it. */
export async function sharedExecutable(): Promise<string> {
  const folder = await sharedFolder('executable', async folder => {
    await buildExecutable(join(folder, 'stower'))
    return 'true'
  })
  return join(folder, 'stower')
}

/** Makes the container image of an executable; resolves to what was said about it. */
export async function buildImage(executable: string, archive: string): Promise<string> {
  return runNode(['deploy/container.mjs', executable, archive])
}

/** Builds the executable as `npm run build` does, at the path. */
async function buildExecutable(file: string): Promise<void> {
  await runNode(['scripts/build.mjs', file])
}

async function runNode(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('node', args, { cwd: root })
  return stdout
}
