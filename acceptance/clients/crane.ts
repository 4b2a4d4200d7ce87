import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import { readDockerArchive, readOciLayout } from '../image-facts.ts'
import { packLayer } from '../images.ts'
import type { Client } from './client.ts'

export type Crane = Client & { crane: (args: readonly string[]) => Promise<string> }

/** crane with its configuration in the folder. */
export async function openCrane(folder: string): Promise<Crane> {
  await mkdir(folder)
  const env = { HOME: folder, DOCKER_CONFIG: join(folder, 'config') }
  const crane = (args: readonly string[], input?: string) =>
    run(requireTool('crane'), args, { env, ...(input !== undefined && { input }) })
  return {
    name: 'crane',
    crane,
    /** Writes the login down without asking the registry. */
    logIn: async (host, { user, password }) => {
      await crane(['auth', 'login', host, '-u', user, '--password-stdin'], password)
    },
    push: async ({ layers }, image) => {
      const work = await mkdtemp(join(folder, 'push-'))
      const tars = layers.map((_, index) => join(work, `${index}.tar`))
      for (const [index, layer] of layers.entries()) await packLayer(layer, tars[index] ?? '')
      const archive = join(work, 'image.tar')
      await crane(['append', ...tars.flatMap(tar => ['-f', tar]), '-t', image, '-o', archive])
      const facts = await readDockerArchive(archive)
      const output = await crane(['push', archive, image])
      await rm(work, { recursive: true })
      return { digest: digestIn(output), facts }
    },
    pull: async image => {
      const layout = join(folder, 'pulled')
      await crane(['pull', '--format=oci', image, layout])
      const { digest, facts } = await readOciLayout(layout)
      await rm(layout, { recursive: true })
      return { digest, facts }
    },
    listTags: async repository => (await crane(['ls', repository])).trim().split('\n'),
    copy: async (from, to) => {
      await crane(['copy', from, to])
    },
    remove: async image => {
      await crane(['delete', image])
    },
    pushIndex: async ({ children }, image) => {
      await crane(['index', 'append', ...children.flatMap(child => ['-m', child]), '-t', image])
    },
  }
}

/** crane prints what it pushed as `image@digest`. */
function digestIn(output: string): string {
  const digest = /@(sha256:[0-9a-f]{64})/.exec(output)?.[1]
  if (digest === undefined) throw new Error(`crane names no digest: ${output}`)
  return digest
}
