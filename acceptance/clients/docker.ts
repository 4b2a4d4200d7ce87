import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { type CommandOptions, run } from '../command.ts'
import { readDockerArchive } from '../image-facts.ts'
import type { Client } from './client.ts'
import type { DockerEngine } from './dockerd.ts'

export type Docker = Client & {
  docker: (args: readonly string[], options?: CommandOptions) => Promise<string>
  /** Runs a line as someone pastes it into a shell. */
  paste: (line: string) => Promise<string>
}

/** The Docker client with its configuration in the folder. Clients of one engine share the images it holds. */
export async function openDocker(folder: string, { socket }: DockerEngine): Promise<Docker> {
  await mkdir(folder)
  // The classic builder: no version of Debian's engine lacks it, and it needs no plugin.
  const env = { HOME: folder, DOCKER_CONFIG: join(folder, 'config'), DOCKER_HOST: socket, DOCKER_BUILDKIT: '0' }
  const docker = (args: readonly string[], options?: CommandOptions) =>
    run(requireTool('docker'), args, { ...options, env })
  const readFacts = async (image: string) => {
    const archive = join(folder, 'saved.tar')
    await docker(['save', '-o', archive, image])
    const facts = await readDockerArchive(archive)
    await rm(archive)
    return facts
  }
  return {
    name: 'docker',
    docker,
    paste: line => run('sh', ['-c', line], { env }),
    logIn: async (host, { user, password }) => {
      await docker(['login', host, '-u', user, '--password-stdin'], { input: password })
    },
    push: async ({ context }, image) => {
      await docker(['build', '-t', image, context])
      const facts = await readFacts(image)
      return { digest: digestIn(await docker(['push', image])), facts }
    },
    pull: async image => {
      await docker(['system', 'prune', '-a', '-f'])
      const digest = digestIn(await docker(['pull', image]))
      return { digest, facts: await readFacts(image) }
    },
    copy: async (from, to) => {
      await docker(['pull', from])
      await docker(['tag', from, to])
      await docker(['push', to])
    },
    pushIndex: async ({ children }, image) => {
      await docker(['manifest', 'create', '--insecure', image, ...children])
      await docker(['manifest', 'push', '--insecure', image])
    },
  }
}

function digestIn(output: string): string {
  const digest = /digest: (sha256:[0-9a-f]{64})/i.exec(output)?.[1]
  if (digest === undefined) throw new Error(`docker names no digest: ${output}`)
  return digest
}
