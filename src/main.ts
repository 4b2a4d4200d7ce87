import type { Writable } from 'node:stream'
import { restartWithSettings } from './cli/runtime-settings.ts'

restartWithSettings()
// Loaded only by the image that stays: the one before it is replaced at once.
const { run } = await import('./cli/run.ts')
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
