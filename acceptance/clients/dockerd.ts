import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import { type Engine, startEngine } from './engine.ts'

/** A Docker engine of our own. */
export type DockerEngine = Engine

/** Starts the engine with everything in the folder, which no build context may hold. It leaves the network alone. */
export async function startDockerEngine(folder: string): Promise<DockerEngine> {
  await mkdir(folder, { recursive: true })
  const socket = `unix://${join(folder, 'docker.sock')}`
  const places = ['data-root', 'exec-root', 'pidfile'].map(name => `--${name}=${join(folder, name)}`)
  const network = ['--iptables=false', '--ip6tables=false', '--bridge=none']
  const args = ['-H', socket, ...places, ...network, '--storage-driver=vfs', '--shutdown-timeout=2']
  return startEngine({
    folder,
    socket,
    command: [requireTool('dockerd'), ...args],
    answers: () => run(requireTool('docker'), ['-H', socket, 'version'], { env: { HOME: folder } }),
    clean: async () => {
      await unmountBelow(folder)
      await rm(folder, { recursive: true, force: true })
    },
  })
}

/** The engine mounts parts of its folder onto themselves and may leave them so. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map(line => line.split(' ')[1] ?? '')
  for (const mount of mounts.filter(path => path.startsWith(`${folder}/`)).reverse()) await run('umount', [mount])
}
