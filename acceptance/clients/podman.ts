import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import { readDockerArchive } from '../image-facts.ts'
import type { Client } from './client.ts'
import { containersHome } from './containers-home.ts'

export type Podman = Client & { podman: (args: readonly string[]) => Promise<string> }

/** podman with its configuration and its images in the folder. */
export async function openPodman(folder: string): Promise<Podman> {
  const env = await containersHome(folder)
  const places = ['--root', join(folder, 'images'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs']
  const flags = [...places, '--cgroup-manager', 'cgroupfs', '--events-backend', 'file']
  const podman = (args: readonly string[], input?: string) =>
    run(requireTool('podman'), [...flags, ...args], { env, ...(input !== undefined && { input }) })
  const readFacts = async (image: string) => {
    const archive = join(folder, 'saved.tar')
    await podman(['save', '--format', 'docker-archive', '-o', archive, image])
    const facts = await readDockerArchive(archive)
    await rm(archive)
    return facts
  }
  return {
    name: 'podman',
    podman,
    logIn: async (host, { user, password }) => {
      await podman(['login', '--tls-verify=false', '-u', user, '--password-stdin', host], password)
    },
    push: async ({ context }, image) => {
      await podman(['build', '-t', image, context])
      const facts = await readFacts(image)
      const digestFile = join(folder, 'digest')
      await podman(['push', '--tls-verify=false', '--digestfile', digestFile, image])
      return { digest: await Bun.file(digestFile).text(), facts }
    },
    pull: async image => {
      await podman(['rmi', '-a', '-f'])
      await podman(['pull', '--tls-verify=false', image])
      const digest = await podman(['image', 'inspect', '-f', '{{.Digest}}', image])
      return { digest: digest.trim(), facts: await readFacts(image) }
    },
    listTags: async repository => {
      const found = await podman(['search', '--list-tags', '--tls-verify=false', repository])
      const rows = found.split('\n').filter(row => row.startsWith(repository))
      return rows.map(row => row.slice(repository.length).trim())
    },
    copy: async (from, to) => {
      await podman(['pull', '--tls-verify=false', from])
      await podman(['push', '--tls-verify=false', from, to])
    },
    pushIndex: async ({ children }, image) => {
      await podman(['manifest', 'create', image])
      for (const child of children) await podman(['manifest', 'add', '--tls-verify=false', image, `docker://${child}`])
      await podman(['manifest', 'push', '--all', '--tls-verify=false', image, `docker://${image}`])
    },
  }
}
