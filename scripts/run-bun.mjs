import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { constants } from 'node:os'
import { bunBinary } from './bun-binary.mjs'

/**
 * Runs Bun with `args` on the terminal of this process and passes signals on to it. Resolves to the code that this
 * process should exit with: Bun's own, or 128 + the number of the signal that ended it.
 *
 * When this process dies, however suddenly, descriptor 3 of Bun (named by STOWER_LAUNCHER_PIPE) reaches its end: the
 * server takes that as SIGTERM, so that no orphan keeps the port.
 */
export function runBun(root, args) {
  const child = spawn(bunBinary(root), args, {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, ...bunEnvironment(), ...memorySettings(), STOWER_LAUNCHER_PIPE: '3' },
  })
  // Who reads standard output to its end waits for all who hold it, and Bun may let go of it before it ends.
  closeSync(1)
  const hangUp = () => child.stdio[3].end()
  // The child may be gone before we write the pipe's end.
  child.stdio[3].on('error', () => {})

  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
    process.on(signal, () => {
      // Ctrl-C on a terminal reaches Bun without us; a second SIGINT from here would look like an impatient user.
      if (signal === 'SIGINT' && process.stdin.isTTY) hangUp()
      else child.kill(signal)
    })
  }
  watchParent(hangUp)

  return new Promise((resolve, reject) => {
    child.on('error', error => reject(new Error(`${child.spawnfile} cannot be started: ${error.message}`)))
    child.on('exit', (code, signal) => {
      if (signal === 'SIGILL')
        process.stderr.write('stower: this processor is too old for Bun (on x64 it needs AVX2).\n')
      resolve(code ?? 128 + constants.signals[signal])
    })
  })
}

/**
 * What Bun's processes need in their environment. Its file thread pool has as many threads as the machine has cores
 * unless this variable is there before the process starts, and two slow fsyncs would stop all file work.
 */
export function bunEnvironment() {
  return { UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE || '32' }
}

/** Memory that is freed goes back at once: sixteen pushes of 100 MB under a flood of wrong logins peak 10 MB lower. */
function memorySettings() {
  return { MIMALLOC_PURGE_DELAY: process.env.MIMALLOC_PURGE_DELAY || '0' }
}

const parentCheckMs = 500

/** npm that is killed passes nothing on: we only get another parent. */
function watchParent(onGone) {
  if (process.env.npm_lifecycle_event === undefined) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    onGone()
  }, parentCheckMs)
  timer.unref()
}
