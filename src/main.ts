import { run } from './cli/run.ts'
import { restartWithThreads } from './cli/thread-pool.ts'

restartWithThreads()
process.exit(await run(process.argv.slice(2)))
