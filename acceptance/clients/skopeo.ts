import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import { readImageFolder, readOciLayout } from '../image-facts.ts'
import { packLayer, writeOciLayout } from '../images.ts'
import type { Client } from './client.ts'
import { containersHome } from './containers-home.ts'

export type Skopeo = Client & { skopeo: (args: readonly string[]) => Promise<string> }

/** skopeo with its configuration in the folder. It builds nothing: what it pushes is an OCI layout of ours. */
export async function openSkopeo(folder: string): Promise<Skopeo> {
  const env = await containersHome(folder)
  const skopeo = (args: readonly string[], input?: string) =>
    run(requireTool('skopeo'), args, { env, ...(input !== undefined && { input }) })
  return {
    name: 'skopeo',
    skopeo,
    logIn: async (host, { user, password }) => {
      await skopeo(['login', '--tls-verify=false', '-u', user, '--password-stdin', host], password)
    },
    push: async ({ layers }, image) => {
      const work = await mkdtemp(join(folder, 'push-'))
      const tars = layers.map((_, index) => join(work, `${index}.tar`))
      for (const [index, layer] of layers.entries()) await packLayer(layer, tars[index] ?? '')
      const layout = join(work, 'layout')
      await writeOciLayout(layout, tars)
      await skopeo(['copy', '--dest-tls-verify=false', `oci:${layout}:1`, `docker://${image}`])
      const { digest, facts } = await readOciLayout(layout)
      await rm(work, { recursive: true })
      return { digest, facts }
    },
    pull: async image => {
      const pulled = join(folder, 'pulled')
      await skopeo(['copy', '--src-tls-verify=false', `docker://${image}`, `dir:${pulled}`])
      const { digest, facts } = await readImageFolder(pulled)
      await rm(pulled, { recursive: true })
      return { digest, facts }
    },
  }
}
