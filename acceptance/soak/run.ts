import { parseArgs } from 'node:util'
import { formatReport } from './report.ts'
import { soak } from './soak.ts'

// `npm run soak [-- --minutes N] [--pushes N] [--pulls N] [--database URL]`: lets clients push, pull, delete and go away
// in the middle, all at once, and prints what they were answered and what is left of them. URL: an empty database of
// PostgreSQL; without it the embedded SQLite. Ends with 1 where something is unexplained or left over.

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    pushes: { type: 'string', default: '64' },
    pulls: { type: 'string', default: '256' },
    database: { type: 'string' },
  },
})
const report = await soak({
  seconds: Number(flags.minutes) * 60,
  pushes: Number(flags.pushes),
  pulls: Number(flags.pulls),
  ...(flags.database !== undefined && { databaseUrl: flags.database }),
})
process.stdout.write(formatReport(report))
process.exit(report.unexplained.length === 0 && report.after.strays === 0 ? 0 : 1)
