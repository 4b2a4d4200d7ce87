// `npm run check`: types, lint, format, generated docs, architecture.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runChecks } from './checks.mjs'
import { ensureDependencies } from './ensure-dependencies.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

try {
  await ensureDependencies(root, { withDevelopment: true })
  const { failed } = await runChecks(root)
  process.exitCode = failed === 0 ? 0 : 1
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
