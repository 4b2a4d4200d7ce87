import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import { type Engine, startEngine } from './engine.ts'

/** Starts buildkitd with everything in the folder. It takes 127.0.0.1 for a registry without TLS. */
export async function startBuildkitd(folder: string): Promise<Engine> {
  await mkdir(folder, { recursive: true })
  const socket = `unix://${join(folder, 'buildkitd.sock')}`
  const file = join(folder, 'buildkitd.toml')
  await writeFile(
    file,
    `root = "${join(folder, 'root')}"
[grpc]
  address = ["${socket}"]
[worker.oci]
  enabled = true
  snapshotter = "native"
  gc = false
[worker.containerd]
  enabled = false
`,
  )
  return startEngine({
    folder,
    socket,
    command: [requireTool('buildkitd'), '--config', file],
    answers: () => run(requireTool('buildctl'), ['--addr', socket, 'debug', 'workers']),
    clean: () => rm(folder, { recursive: true, force: true }),
  })
}
