// `npm test [-- words of file names] [flags of bun test]`: brings what is missing, checks the code, runs the tests.
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bunBinary } from './bun-binary.mjs'
import { runChecks } from './checks.mjs'
import { ensureDependencies } from './ensure-dependencies.mjs'
import { bunEnvironment } from './run-bun.mjs'
import { parseTestReport, summarize } from './test-report.mjs'
import { formatTimings } from './test-timings.mjs'
import { installTestTools } from './test-tools.mjs'
import { areToolsRequired } from './tools.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const cache = join(root, '.cache')

/** Files that are tested side by side: most tests wait for others rather than compute. */
const workers = 2 * availableParallelism()

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
  const cases = await runTests(files, flags)
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

/** Resolves to all cases. Each file has a fresh global object, and its output is shown in one piece. */
async function runTests(files, flags) {
  mkdirSync(cache, { recursive: true })
  const report = join(cache, 'test-report.xml')
  const timings = join(cache, 'test-timings.json')
  rmSync(report, { force: true })
  writeFileSync(timings, formatTimings(files))
  const args = [
    'test',
    '--no-env-file',
    `--parallel=${workers}`,
    `--timings=${timings}`,
    '--timeout=120000',
    '--reporter=junit',
    `--reporter-outfile=${report}`,
    ...flags,
    ...files.map(file => `./${file}`),
  ]
  const code = await runBunTest(args)
  const cases = readCases(report)
  if (code !== 0 && !cases.some(({ outcome }) => outcome === 'failed')) {
    cases.push({ name: `bun test ended with ${code}`, file: '', outcome: 'failed' })
  }
  return cases
}

/** Resolves to the exit code, or the signal. */
function runBunTest(args) {
  const child = spawn(bunBinary(root), args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...bunEnvironment() },
  })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
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
