import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { bunBinary } from './bun-binary.mjs'

/**
 * Runs every check of the code, all at once, and prints the name and outcome of each, with its output when it failed.
 * Resolves to the number of those that passed and failed.
 */
export async function runChecks(root) {
  const outcomes = await Promise.all(listChecks(root).map(check => runCheck(root, check)))
  const passed = outcomes.filter(Boolean).length
  return { passed, failed: outcomes.length - passed }
}

function listChecks(root) {
  const bun = bunBinary(root)
  const tool = name => join(root, 'node_modules', '.bin', name)
  return [
    { name: 'types', command: [tool('tsc'), '--noEmit', '-p', 'tsconfig.json'] },
    { name: 'lint and format', command: [tool('biome'), 'check', '.'] },
    { name: 'generated docs are fresh', command: [bun, 'scripts/write-docs.ts', '--check'] },
    { name: 'architecture', command: [bun, 'test', './test/architecture.test.ts'] },
  ]
}

function runCheck(root, { name, command: [program, ...args] }) {
  const startedMs = Date.now()
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = []
    child.stdout.on('data', chunk => output.push(chunk))
    child.stderr.on('data', chunk => output.push(chunk))
    child.on('error', reject)
    child.on('close', code => {
      const seconds = ((Date.now() - startedMs) / 1000).toFixed(1)
      process.stdout.write(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)\n`)
      if (code !== 0) process.stdout.write(`${Buffer.concat(output)}\n`)
      resolve(code === 0)
    })
  })
}
