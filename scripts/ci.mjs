// Everything a change must pass, from a fresh checkout: both commands of the README, each in an empty HOME.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const start = await runStep('npm start', ['node', 'scripts/prove-fresh-clone.mjs'])
const test = await runStep('npm test', ['npm', 'test'])
const failed = start.failed + test.failed
process.stdout.write(`${start.passed + test.passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1

/** Shows the output of the step, which ends with its counts; a step that ends without them, or badly, failed. */
async function runStep(title, [program, ...args]) {
  process.stdout.write(`== ${title}\n`)
  const home = mkdtempSync(join(tmpdir(), 'stower-home-'))
  try {
    const { code, lastLine } = await run(program, args, { ...process.env, CI: 'true', HOME: home })
    const [, passed, failed] = /^(\d+) passed, (\d+) failed$/.exec(lastLine) ?? []
    if (passed === undefined) return { passed: 0, failed: 1 }
    return { passed: Number(passed), failed: code === 0 ? Number(failed) : Math.max(1, Number(failed)) }
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

function run(program, args, env) {
  return new Promise(resolve => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env })
    let end = ''
    child.stdout.on('data', chunk => {
      process.stdout.write(chunk)
      end = (end + chunk).slice(-4096)
    })
    child.on('error', error => resolve({ code: error.code, lastLine: '' }))
    child.on('close', code => resolve({ code, lastLine: end.trimEnd().split('\n').at(-1) ?? '' }))
  })
}
