import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import { type Engine, startEngine } from './engine.ts'

/** A containerd of our own; disposing of it stops it and removes all it kept. */
export type Containerd = Engine

/** Starts containerd with everything in the folder. Its namespaces share no content. */
export async function startContainerd(folder: string): Promise<Containerd> {
  await mkdir(folder, { recursive: true })
  const socket = join(folder, 'containerd.sock')
  const file = join(folder, 'config.toml')
  await writeFile(
    file,
    `version = 2
root = "${join(folder, 'root')}"
state = "${join(folder, 'state')}"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${socket}"
[plugins."io.containerd.metadata.v1.bolt"]
  content_sharing_policy = "isolated"
`,
  )
  return startEngine({
    folder,
    socket,
    command: [requireTool('containerd'), '-c', file],
    answers: () => run(requireTool('ctr'), ['-a', socket, 'version']),
    clean: () => rm(folder, { recursive: true, force: true }),
  })
}
