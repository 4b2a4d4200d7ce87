import type { Writable } from 'node:stream'
import { run } from './cli/run.ts'
import { restartWithThreads } from './cli/thread-pool.ts'

restartWithThreads()
const code = await run(process.argv.slice(2))
// A pipe takes what its reader makes room for, and `exit` drops the rest.
await Promise.all([flushed(process.stdout), flushed(process.stderr)])
process.exit(code)

/** Resolves when everything was taken over by the system, or when nobody reads it any more. */
function flushed(stream: Writable): Promise<void> {
  return new Promise(resolve => {
    stream.once('error', () => resolve())
    // Only the end waits for every write before it: an empty write is called back at once (Bun 1.4).
    stream.end(() => resolve())
  })
}
