// `npm run build [-- FILE]`: makes one executable with everything inside, dist/stower unless FILE says otherwise.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bunBinary } from './bun-binary.mjs'
import { bundleFlags, entries } from './bundle-entries.mjs'
import { ensureDependencies } from './ensure-dependencies.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const bunFlags = [
  ...bundleFlags,
  '--compile',
  '--sourcemap=inline',
  // Parsed ahead of time: the start takes two thirds of the time, for 6 MB more on disk.
  '--bytecode',
  '--format=esm',
  // The folder it is started in belongs to someone else, and so do the .env and bunfig.toml there.
  '--no-compile-autoload-dotenv',
  '--no-compile-autoload-bunfig',
]

try {
  await ensureDependencies(root)
  const file = resolve(process.argv[2] ?? join(root, 'dist', 'stower'))
  await buildExecutable(file)
  const megabytes = (statSync(file).size / 1e6).toFixed(0)
  process.stdout.write(`${relative(process.cwd(), file)} (${megabytes} MB)\n`)
} catch (error) {
  process.stderr.write(`build: ${error.message}\n`)
  process.exitCode = 1
}

/** Builds aside and moves the result into place: a Stower that runs from `file` keeps running. */
async function buildExecutable(file) {
  const folder = dirname(file)
  mkdirSync(folder, { recursive: true })
  const aside = mkdtempSync(join(folder, '.build-'))
  try {
    const built = join(aside, 'stower')
    await run(bunBinary(root), ['build', ...bunFlags, ...entries, `--outfile=${built}`])
    renameSync(built, file)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}

/** What the command prints is shown only when it fails. */
function run(program, args) {
  return new Promise((done, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = []
    child.stdout.on('data', chunk => output.push(chunk))
    child.stderr.on('data', chunk => output.push(chunk))
    child.on('error', reject)
    child.on('close', code => {
      if (code === 0) done()
      else reject(new Error(`bun build failed:\n${Buffer.concat(output)}`))
    })
  })
}
