import { spawn } from 'node:child_process'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import { waitUntil } from '../wait.ts'

/** A Docker engine of our own; disposing of it stops it and removes all it kept. */
export type DockerEngine = AsyncDisposable & { readonly socket: string }

/** Starts the engine with everything in the folder, which no build context may hold. It leaves the network alone. */
export async function startDockerEngine(folder: string): Promise<DockerEngine> {
  await mkdir(folder, { recursive: true })
  const socket = `unix://${join(folder, 'docker.sock')}`
  const places = ['data-root', 'exec-root', 'pidfile'].map(name => `--${name}=${join(folder, name)}`)
  const network = ['--iptables=false', '--ip6tables=false', '--bridge=none']
  const args = ['-H', socket, ...places, ...network, '--storage-driver=vfs', '--shutdown-timeout=2']
  // setpriv: should this process be killed, the engine does not stay behind.
  const command = ['--pdeathsig', 'TERM', requireTool('dockerd'), ...args]
  const engine = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder })
  let output = ''
  for (const stream of [engine.stdout, engine.stderr]) {
    stream.setEncoding('utf8').on('data', text => {
      output = (output + text).slice(-20_000)
    })
  }
  let hasEnded = false
  engine.on('exit', () => {
    hasEnded = true
  })
  engine.on('error', error => {
    hasEnded = true
    output += error.message
  })
  const killAtExit = () => engine.kill('SIGKILL')
  process.on('exit', killAtExit)
  const stop = async () => {
    engine.kill('SIGTERM')
    const ended = () => hasEnded
    await waitUntil(ended, () => 'dockerd ends after SIGTERM', 20_000).finally(() => engine.kill('SIGKILL'))
    process.off('exit', killAtExit)
    await unmountBelow(folder)
    await rm(folder, { recursive: true, force: true })
  }
  const answers = async () => {
    if (hasEnded) throw new Error(`dockerd ended:\n${output}`)
    return run(requireTool('docker'), ['-H', socket, 'version'], { env: { HOME: folder } }).then(
      () => true,
      () => false,
    )
  }
  try {
    await waitUntil(answers, () => `dockerd answers (it printed: ${output})`, 60_000)
  } catch (error) {
    await stop()
    throw error
  }
  return { socket, [Symbol.asyncDispose]: stop }
}

/** The engine mounts parts of its folder onto themselves and may leave them so. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map(line => line.split(' ')[1] ?? '')
  for (const mount of mounts.filter(path => path.startsWith(`${folder}/`)).reverse()) await run('umount', [mount])
}
