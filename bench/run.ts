import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { allGroups } from './cases/all.ts'
import { installedPeers } from './contestants/peers.ts'
import { stower, stowerByNpm, stowerExecutable } from './contestants/stower.ts'
import { measureGroup, type Series } from './measure.ts'
import { formatResults, formatRow, formatRows, formatTable } from './report.ts'
import { measureLargeStart, measureStarts } from './starts.ts'

// `npm run bench [-- --only WORDS] [--quick] [--rounds N] [--large N] [--alone] [--folder DIR]`: loads Stower and the
// peers that are installed, one after another, and prints a table. A run of everything writes it to bench/results.md,
// too. WORDS: part of a case's name, or `start`. --quick: two short rounds. --large: tags and repositories of the largest
// registry, 100,000 unless it is given. --alone: without peers. DIR: where the servers keep their data while they are
// measured; its disk is what is compared.

const root = join(import.meta.dir, '..')
const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    large: { type: 'string', default: '100000' },
    alone: { type: 'boolean', default: false },
    folder: { type: 'string', default: join(root, 'out') },
  },
})
const effort = { rounds: Number(flags.rounds ?? (flags.quick ? 2 : 5)), seconds: flags.quick ? 1 : 2 }
const startedMs = performance.now()
const loadBefore = loadavg()[0]?.toFixed(1) ?? ''

execFileSync('mkdir', ['-p', flags.folder])
const folder = mkdtempSync(join(flags.folder, 'bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

const { peers, missing } = flags.alone ? { peers: [], missing: [] } : installedPeers()
for (const name of missing) say(`${name} is not installed: left out`)

const all: Series[] = []
let isWhole = true

if (!flags.only || 'start memory'.includes(flags.only)) await measureEveryStart()
for (const group of allGroups(Number(flags.large))) {
  const cases = group.cases.filter(({ name, missing: reason }) => {
    const isAsked = !flags.only || name.includes(flags.only)
    if (isAsked && reason !== undefined) fail(`${name}: left out, ${reason}`)
    return isAsked && reason === undefined
  })
  if (cases.length === 0) continue
  // Those before it may fill what it reads.
  const last = group.cases.findLastIndex(load => cases.includes(load))
  await measureGroup(
    { ...group, cases: group.fillsItself ? group.cases.slice(0, last + 1) : cases },
    [stower, ...peers],
    {
      folder,
      effort,
      onMeasured: show,
      onFailure: (sentence, isStower) => (isStower ? fail(sentence) : say(sentence)),
    },
  )
}

const machine = {
  cores: cpus().length,
  processor: cpus()[0]?.model ?? 'unknown',
  memoryGb: Math.round(totalmem() / 1e9),
  // Its version, without what a distribution or a machine adds to it.
  kernel: release().replace(/^(\d+\.\d+).*$/, '$1'),
  load: loadBefore,
}
const minutes = Math.round((performance.now() - startedMs) / 60_000)
const run = { machine, rounds: effort.rounds, minutes, contestants: [stower, ...peers] }
const results = formatResults(run, formatTable(all))
process.stdout.write(`\n${results}`)
if (!flags.only && !flags.quick && !flags.alone && isWhole) writeFileSync(join(root, 'bench', 'results.md'), results)
process.exit(isWhole ? 0 : 1)

async function measureEveryStart(): Promise<void> {
  const executable = join(folder, 'stower')
  execFileSync('node', [join(root, 'scripts', 'build.mjs'), executable])
  const built = stowerExecutable(executable)
  const options = { folder: join(folder, 'start'), rounds: effort.rounds }
  show(await measureStarts([stowerByNpm, stower, built, ...peers], options))
  show(await measureLargeStart(built, { ...options, count: 10_000 }))
}

function show(series: readonly Series[]): void {
  all.push(...series)
  process.stdout.write(formatRows(series).map(formatRow).join(''))
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** A run that lacks something of Stower is no record. */
function fail(text: string): void {
  isWhole = false
  say(text)
}
