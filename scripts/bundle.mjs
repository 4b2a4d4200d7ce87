import { spawn } from 'node:child_process'
import { bunBinary } from './bun-binary.mjs'

/** The command line's entry first; then what is loaded by its address at run time, and so is found by no import. */
export const entries = ['src/main.ts', 'src/metadata/sqlite/checkpointer.ts']

/** How both the executable and the bundle are made. Stack traces name the files and lines of src/. */
export const bundleFlags = ['--target=bun', '--root=src', '--minify-whitespace']

/** Bundles the program below `root`, with flags beside `bundleFlags`. Throws with what the build said when it fails. */
export function buildBundle(root, flags) {
  return new Promise((done, reject) => {
    const args = ['build', ...bundleFlags, ...flags, ...entries]
    const child = spawn(bunBinary(root), args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
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
