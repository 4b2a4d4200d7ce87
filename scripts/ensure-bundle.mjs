import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { bunPackage } from './bun-binary.mjs'
import { buildBundle, bundleFlags, entries } from './bundle.mjs'

/**
 * The program in one file, made again when something of it changed; the sources where none can be made, as in a folder
 * that this user may not write to. A start from one file takes two thirds of the time and holds a fifth less memory than
 * one from nine hundred.
 */
export async function ensureBundle(root) {
  const bundles = join(root, '.cache', 'bundles')
  const bundle = join(bundles, fingerprint(root))
  const program = join(bundle, 'main.js')
  if (existsSync(program)) return program
  try {
    mkdirSync(bundles, { recursive: true })
    await makeBundle(root, bundles, bundle)
    return program
  } catch {
    return join(root, 'src', 'main.ts')
  }
}

/** Changes whenever a source file, a package or Bun does. */
function fingerprint(root) {
  const hash = createHash('sha256')
  hash.update(readFileSync(join(root, 'package-lock.json')))
  hash.update(JSON.stringify([bunPackage(), bundleFlags, entries]))
  for (const name of readdirSync(join(root, 'src'), { recursive: true }).sort()) {
    const { mtimeMs, size } = statSync(join(root, 'src', name))
    hash.update(`${name}\0${mtimeMs}\0${size}\n`)
  }
  return hash.digest('hex').slice(0, 32)
}

/** Made aside and moved into place; of two starts at once the first one's stays. */
async function makeBundle(root, bundles, bundle) {
  const aside = mkdtempSync(join(bundles, 'making-'))
  try {
    const made = join(aside, 'bundle')
    await buildBundle(root, ['--sourcemap=linked', `--outdir=${made}`])
    if (!existsSync(bundle)) renameSync(made, bundle)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
  removeOthers(bundles, bundle)
}

const unusedMs = 3_600_000

/** One that was made lately may be about to be loaded by a start beside this one. */
function removeOthers(bundles, bundle) {
  for (const name of readdirSync(bundles)) {
    const other = join(bundles, name)
    const isOld = Date.now() - (statSync(other, { throwIfNoEntry: false })?.mtimeMs ?? 0) > unusedMs
    if (other !== bundle && isOld) rmSync(other, { recursive: true, force: true })
  }
}
