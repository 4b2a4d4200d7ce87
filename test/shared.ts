import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitUntil } from '../acceptance/wait.ts'

/** The process that a run of tests ends with: the one that hands this process its test files, or this one. */
const owner = process.env.BUN_TEST_WORKER_ID === undefined ? process.pid : process.ppid
const limitMs = 120_000

/**
 * A folder that all test files of a run share, filled at the first call; the others wait for that. What `make` resolves
 * to is the command that ends what it started. The folder goes with the run, however that ends.
 */
export async function sharedFolder(name: string, make: (folder: string) => Promise<string>): Promise<string> {
  const folder = join(tmpdir(), `stower-${name}-${owner}`)
  const isMade = join(folder, '.made')
  if (isFirst(folder)) {
    removeWithRun(folder)
    writeFileSync(endFile(folder), await make(folder))
    writeFileSync(isMade, '')
  } else {
    await waitUntil(
      () => existsSync(isMade),
      () => `another test file has made ${folder}`,
      limitMs,
    )
  }
  return folder
}

/** Of all who ask, one makes the folder. */
function isFirst(folder: string): boolean {
  try {
    mkdirSync(folder)
    return true
  } catch {
    return false
  }
}

/** On its own, because the test runner ends what a file leaves behind, and from the first: `make` may be cut. */
function removeWithRun(folder: string): void {
  const end = endFile(folder)
  const watch = `while kill -0 ${owner}; do sleep 0.5; done; [ ! -e ${end} ] || sh ${end}; rm -rf ${folder}`
  Bun.spawnSync(['setsid', '-f', 'sh', '-c', watch], { cwd: '/', stdio: ['ignore', 'ignore', 'ignore'] })
}

/** What ends all that was started for the folder. */
function endFile(folder: string): string {
  return join(folder, '.end')
}
