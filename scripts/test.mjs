// `npm test [-- words of file names] [flags of bun test]`: brings what is missing, checks the code, runs the tests.
import { spawn } from 'node:child_process'
import { createReadStream, createWriteStream, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { finished, pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { bunBinary } from './bun-binary.mjs'
import { runChecks } from './checks.mjs'
import { ensureDependencies } from './ensure-dependencies.mjs'
import { bunEnvironment } from './run-bun.mjs'
import { parseTestReport, summarize } from './test-report.mjs'
import { installTestTools } from './test-tools.mjs'
import { areToolsRequired } from './tools.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const cache = join(root, '.cache')

/** What runs side by side: most tests of either wait for others rather than compute. */
const lanes = [
  { name: 'inside', has: file => !file.startsWith('acceptance') },
  { name: 'outside', has: file => file.startsWith('acceptance') },
]

try {
  await ensureDependencies(root, { withDevelopment: true })
  if (areToolsRequired) await installTestTools()
  process.exitCode = await runEverything(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}

/** Without words all tests run, and the checks before them. Resolves to the exit code. */
async function runEverything(args) {
  const firstFlag = args.findIndex(arg => arg.startsWith('-'))
  const words = firstFlag === -1 ? args : args.slice(0, firstFlag)
  const flags = firstFlag === -1 ? [] : args.slice(firstFlag)
  const isWhole = args.length === 0
  const files = listTestFiles(isWhole).filter(file => words.length === 0 || words.some(word => file.includes(word)))
  if (files.length === 0) throw new Error(`No test file has ${words.join(' or ')} in its name.`)

  const checks = isWhole ? await runChecks(root) : { passed: 0, failed: 0 }
  const cases = await runLanes(files, flags)
  if (flags.length === 0) cases.push(...findMissing(files, cases))
  const { text, hasFailed } = summarize({ checks, cases, areToolsRequired })
  process.stdout.write(text)
  return hasFailed ? 1 : 0
}

/** The checks run the architecture test already. */
function listTestFiles(isWhole) {
  const folders = ['src', 'test', 'acceptance']
  const files = folders.flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true }).map(name => join(folder, name)),
  )
  const tests = files.filter(file => /\.test\.tsx?$/.test(file)).sort()
  return isWhole ? tests.filter(file => file !== join('test', 'architecture.test.ts')) : tests
}

/** Each lane is a process of its own. The first one's output is shown as it comes, the others' when they have ended. */
async function runLanes(files, flags) {
  mkdirSync(cache, { recursive: true })
  const busy = lanes.map(({ name, has }) => ({ name, files: files.filter(has) })).filter(lane => lane.files.length > 0)
  const results = await Promise.all(busy.map((lane, index) => runLane(lane, flags, { isShown: index === 0 })))
  for (const { output } of results) if (output) await show(output)
  return results.flatMap(({ cases }) => cases)
}

/** One file after the other, each in a fresh global object. */
async function runLane({ name, files }, flags, { isShown }) {
  const report = join(cache, `test-report-${name}.xml`)
  const output = isShown ? undefined : join(cache, `test-output-${name}.txt`)
  rmSync(report, { force: true })
  const args = [
    'test',
    '--no-env-file',
    '--isolate',
    '--timeout=120000',
    '--reporter=junit',
    `--reporter-outfile=${report}`,
    ...flags,
    ...files.map(file => `./${file}`),
  ]
  const code = await runBunTest(args, output)
  const cases = readCases(report)
  if (code !== 0 && !cases.some(({ outcome }) => outcome === 'failed')) {
    cases.push({ name: `bun test ended with code ${code}`, file: '', outcome: 'failed' })
  }
  return { cases, output }
}

/** Resolves to the exit code, or the signal. */
async function runBunTest(args, output) {
  const child = spawn(bunBinary(root), args, {
    cwd: root,
    stdio: ['ignore', output ? 'pipe' : 'inherit', output ? 'pipe' : 'inherit'],
    env: { ...process.env, ...bunEnvironment() },
  })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
  if (!output) return ended
  const file = createWriteStream(output)
  child.stdout.pipe(file, { end: false })
  child.stderr.pipe(file, { end: false })
  const code = await ended
  await finished(file.end())
  return code
}

async function show(output) {
  await pipeline(createReadStream(output), process.stdout, { end: false })
}

function readCases(report) {
  try {
    return parseTestReport(readFileSync(report, 'utf8'))
  } catch {
    return [{ name: 'bun test wrote no report', file: '', outcome: 'failed' }]
  }
}

/** A file that can't be loaded leaves no trace in the report, and one without tests proves nothing. */
function findMissing(files, cases) {
  const seen = new Set(cases.map(({ file }) => file))
  return files
    .filter(file => !seen.has(file))
    .map(file => ({ name: 'no test of this file ran', file, outcome: 'failed' }))
}
