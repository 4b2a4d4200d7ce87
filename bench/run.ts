import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cases } from './cases.ts'
import {
  type Contestant,
  dockerRegistry,
  dockerRegistryAsInstalled,
  stower,
  stowerByNpm,
  stowerExecutable,
} from './contestants.ts'
import { measureLoad, measureStarts, type Series } from './measure.ts'
import { formatResults, formatTable } from './report.ts'

// `npm run bench [-- --only WORDS] [--rounds N] [--folder DIR]`: loads Stower and the peers that are installed, one after
// another, and prints a table. A run of everything writes it to bench/results.md, too. WORDS: part of a case's name, or
// `start`. DIR: where the servers keep their data while they are measured; its disk is what is compared.

const root = join(import.meta.dir, '..')
const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    folder: { type: 'string', default: join(root, 'out') },
  },
})
const rounds = Number(flags.rounds)
const loadBefore = loadavg()[0]?.toFixed(1) ?? ''

execFileSync('mkdir', ['-p', flags.folder])
const folder = mkdtempSync(join(flags.folder, 'bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const executable = join(folder, 'stower')
execFileSync('node', [join(root, 'scripts', 'build.mjs'), executable])

const peers = Bun.which('docker-registry') === null ? [] : [dockerRegistry, dockerRegistryAsInstalled]
if (peers.length === 0) say('docker-registry is not installed: Stower runs alone (apt-get install docker-registry)')

const all: Series[] = []
if (!flags.only || 'start memory'.includes(flags.only)) {
  const starters = [stowerByNpm, stower, stowerExecutable(executable), ...peers.slice(0, 1)]
  show(await measureStarts(starters, { folder: join(folder, 'start'), rounds }))
}
for (const load of cases.filter(({ name }) => !flags.only || name.includes(flags.only))) {
  if (load.missing !== undefined) say(`${load.name}: left out, ${load.missing}`)
  else show(await measureLoad(load, [stower, ...peers], { folder, rounds }))
}

const contestants: readonly Contestant[] = [stower, ...peers]
const machine = {
  cores: cpus().length,
  processor: cpus()[0]?.model ?? 'unknown',
  memoryGb: Math.round(totalmem() / 1e9),
  // Its version, without what a distribution or a machine adds to it.
  kernel: release().replace(/^(\d+\.\d+).*$/, '$1'),
  load: loadBefore,
}
const results = formatResults(machine, rounds, contestants, formatTable(all))
process.stdout.write(`\n${results}`)
if (!flags.only) writeFileSync(join(root, 'bench', 'results.md'), results)
process.exit(0)

function show(series: readonly Series[]): void {
  all.push(...series)
  process.stdout.write(formatTable(series).split('\n').slice(2).join('\n'))
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
