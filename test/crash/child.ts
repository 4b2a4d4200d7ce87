import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { startServer } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { openLogger } from '../../src/telemetry/logger.ts'

/*
 * The program with a hand inside it, as a process of its own. It is configured by its environment, says `ready <url>` on
 * standard output and every warning on standard error, and takes orders from standard input:
 *
 *   arm <step> <countdown>   kills itself with SIGKILL when the step of a push or a sweep has come so many times; with a
 *                            step in ARMED it is so from its start, for the first time
 *   block <path>...          opens each path for reading, which takes a thread of the file pool for as long as it waits,
 *                            and says `blocked` when all are on their way
 *   die                      kills itself with SIGKILL now, also where a tracer stands between it and its parent
 *   stop                     ends as after SIGTERM
 *
 * It ends with its standard input, so that nothing is left of a test that was killed.
 */

let armed = process.env.ARMED ? { step: process.env.ARMED, countdown: 1 } : undefined

function atStep(step: string): void {
  if (armed?.step !== step) return
  armed.countdown -= 1
  // The kernel ends the process before this call returns.
  if (armed.countdown <= 0) process.kill(process.pid, 'SIGKILL')
}

function obey(order: string): void {
  const [verb, ...words] = order.split(' ')
  switch (verb) {
    case 'arm':
      armed = { step: words[0] ?? '', countdown: Number(words[1]) }
      return
    case 'block':
      for (const path of words) void open(path, 'r').then(file => file.close())
      process.stdout.write('blocked\n')
      return
    case 'die':
      process.kill(process.pid, 'SIGKILL')
      return
    case 'stop':
      void server.stop().then(() => process.exit(0))
      return
    default:
      throw new Error(`unknown order: ${order}`)
  }
}

const loaded = loadConfig({ flags: [], env: process.env, cwd: process.cwd() })
if (loaded.kind === 'problems') throw new Error(loaded.problems.join('\n'))
const logger = openLogger({ level: 'warn', format: 'json', write: line => process.stderr.write(line) })
const lookForJobsEveryMs = Number(process.env.LOOK_FOR_JOBS_EVERY_MS ?? 5_000)
const { gc } = loaded.config
const server = await startServer({
  // Shorter than anyone may set it.
  config: { ...loaded.config, gc: { ...gc, intervalMs: Number(process.env.SWEEP_EVERY_MS ?? gc.intervalMs) } },
  logger,
  atCommitStep: atStep,
  atSweepStep: atStep,
  lookForJobsEveryMs,
})
createInterface({ input: process.stdin })
  .on('line', obey)
  .on('close', () => process.exit(0))
process.stdout.write(`ready ${server.url}\n`)
