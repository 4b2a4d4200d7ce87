import { mkdirSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openAccess } from '../../src/core/access/access.ts'
import type { Database } from '../../src/metadata/database.ts'
import { migrate } from '../../src/metadata/migrate.ts'
import { openPostgres } from '../../src/metadata/postgres/database.ts'
import { openSqlite } from '../../src/metadata/sqlite/database.ts'
import { type Case, casesOf } from './cases.ts'
import { account, fill, type Size } from './fill.ts'
import { type NotedQuery, noteQueries, planOf } from './noted-queries.ts'

// `npm run scale [-- --repositories N] [--tags N] [--rounds N] [--postgres URL] [--folder DIR]`: makes an account with a
// million repositories of ten tags, asks core what the management API asks it, and prints how long the answers took and the
// plans of the five slowest queries. CPU is this process's own, which on a busy machine tells more than the time does. DIR keeps what was made, so that the next run need not; URL is of a database that is
// empty, or was filled so. Without it SQLite is measured, in DIR.

const { values: flags } = parseArgs({
  options: {
    repositories: { type: 'string', default: '1000000' },
    tags: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '30' },
    postgres: { type: 'string' },
    folder: { type: 'string', default: join(import.meta.dir, '..', '..', 'out', 'scale') },
  },
})
const size: Size = { repositories: Number(flags.repositories), tagsOfEach: Number(flags.tags) }
const rounds = Number(flags.rounds)

await using db = await open()
if (!(await isFilled(db))) {
  const startedMs = performance.now()
  await fill(db, size, text =>
    process.stderr.write(`${text}, ${Math.round((performance.now() - startedMs) / 1000)} s\n`),
  )
  if ('withClient' in db) await db.withClient(client => client.query('vacuum analyze'))
}
process.stdout.write(
  `${size.repositories} repositories, ${size.tagsOfEach} tags each, ${db.engine}, ${rounds} rounds, load ${loadavg()[0]?.toFixed(1)}\n\n`,
)
const clock = { nowMs: () => Date.now() }
const noted = noteQueries(db)
const deps = { db: noted.db, access: openAccess({ db, clock }), clock }
const slowest: (NotedQuery & { of: string })[] = []
process.stdout.write('| asked | p50 ms | p99 ms | CPU ms | promised |\n|---|---|---|---|---|\n')
for (const each of casesOf(size)) process.stdout.write(await measure(each))
process.stdout.write('\n')
for (const { of, ms, query } of slowest.sort((a, b) => b.ms - a.ms).slice(0, 5)) {
  const plan = await planOf(db.read, db.engine, query)
  process.stdout.write(`${of}, ${ms.toFixed(1)} ms\n${plan.map(line => `    ${line}\n`).join('')}\n`)
}

/** A row of the table; the slowest query of the case is kept. */
async function measure({ name, mostMs, ask }: Case): Promise<string> {
  await ask(deps)
  noted.take()
  const times: number[] = []
  const cpuBefore = process.cpuUsage()
  // What takes long is asked less often.
  for (let round = 0; round < rounds && sum(times) < 20_000; round++) {
    const beganMs = performance.now()
    await ask(deps)
    times.push(performance.now() - beganMs)
  }
  const cpu = process.cpuUsage(cpuBefore)
  const cpuMs = ((cpu.user + cpu.system) / 1000 / times.length).toFixed(1)
  const [worst] = noted.take().sort((a, b) => b.ms - a.ms)
  if (worst) slowest.push({ of: name, ...worst })
  const at = (part: number) => times.toSorted((a, b) => a - b)[Math.ceil(times.length * part) - 1]?.toFixed(1)
  return `| ${name} | ${at(0.5)} | ${at(0.99)} | ${cpuMs} | ${mostMs === undefined ? '' : `${mostMs}`} |\n`
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

async function open() {
  mkdirSync(flags.folder, { recursive: true })
  const file = join(flags.folder, `stower-${flags.repositories}-${flags.tags}.db`)
  const opened =
    flags.postgres === undefined
      ? await openSqlite({ file, checkpoints: 'on-close' })
      : await openPostgres({ url: flags.postgres, connections: 4 })
  await migrate(opened, { copyFile: from => join(flags.folder, `copy-${from}.db`), nowMs: Date.now() })
  return opened
}

async function isFilled({ read }: Database): Promise<boolean> {
  return (await read.selectFrom('accounts').select('id').where('id', '=', account).executeTakeFirst()) !== undefined
}
