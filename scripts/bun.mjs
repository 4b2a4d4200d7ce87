// Runs Bun with the given arguments, after bringing what is missing: `node scripts/bun.mjs scripts/write-docs.ts`.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureDependencies } from './ensure-dependencies.mjs'
import { runBun } from './run-bun.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

try {
  await ensureDependencies(root, { withDevelopment: true })
  process.exitCode = await runBun(root, process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
