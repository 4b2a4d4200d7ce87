import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import { readDockerArchive } from '../image-facts.ts'
import type { Client } from './client.ts'
import { containersHome } from './containers-home.ts'

/** buildah with its configuration and its images in the folder. */
export async function openBuildah(folder: string): Promise<Client> {
  const env = await containersHome(folder)
  const flags = ['--root', join(folder, 'images'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs']
  const buildah = (args: readonly string[], input?: string) =>
    run(requireTool('buildah'), [...flags, ...args], { env, ...(input !== undefined && { input }) })
  const readFacts = async (image: string) => {
    const archive = join(folder, 'saved.tar')
    await buildah(['push', image, `docker-archive:${archive}`])
    const facts = await readDockerArchive(archive)
    await rm(archive)
    return facts
  }
  return {
    name: 'buildah',
    logIn: async (host, { user, password }) => {
      await buildah(['login', '--tls-verify=false', '-u', user, '--password-stdin', host], password)
    },
    push: async ({ context }, image) => {
      await buildah(['bud', '--layers', '--isolation', 'chroot', '-t', image, context])
      const facts = await readFacts(image)
      const digestFile = join(folder, 'digest')
      await buildah(['push', '--tls-verify=false', '--digestfile', digestFile, image])
      return { digest: await Bun.file(digestFile).text(), facts }
    },
    pull: async image => {
      await buildah(['rmi', '-a', '-f'])
      await buildah(['pull', '--tls-verify=false', image])
      const digest = await buildah(['inspect', '--type', 'image', '-f', '{{.FromImageDigest}}', image])
      return { digest: digest.trim(), facts: await readFacts(image) }
    },
    copy: async (from, to) => {
      await buildah(['pull', '--tls-verify=false', from])
      await buildah(['push', '--tls-verify=false', from, to])
    },
    pushIndex: async ({ children }, image) => {
      await buildah(['manifest', 'create', image])
      for (const child of children) await buildah(['manifest', 'add', '--tls-verify=false', image, `docker://${child}`])
      await buildah(['manifest', 'push', '--all', '--tls-verify=false', image, `docker://${image}`])
    },
  }
}
