#!/usr/bin/env node
// Starts Stower: brings what is missing, then hands over to Bun. Plain Node without packages, because it brings them.
import { realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureBundle } from '../scripts/ensure-bundle.mjs'
import { ensureDependencies } from '../scripts/ensure-dependencies.mjs'
import { runBun } from '../scripts/run-bun.mjs'

const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))))

try {
  await ensureDependencies(root)
  // Stower may be started in any folder: Bun must not take that folder's .env and bunfig.toml for ours.
  const bunFlags = ['--no-env-file', '--config=/dev/null']
  process.exitCode = await runBun(root, [...bunFlags, await ensureBundle(root), ...process.argv.slice(2)])
} catch (error) {
  process.stderr.write(`stower: ${error.message}\n`)
  process.exitCode = 1
}
