import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import { readImageFolder } from '../image-facts.ts'
import type { Client } from './client.ts'
import { containersHome } from './containers-home.ts'
import { withLayout } from './layout.ts'

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
    push: async (content, image) => {
      const { digest, facts } = await withLayout(folder, content, async layout => {
        await skopeo(['copy', '--dest-tls-verify=false', `oci:${layout}:1`, `docker://${image}`])
      })
      return { digest, facts }
    },
    pull: async image => {
      const pulled = join(folder, 'pulled')
      await skopeo(['copy', '--src-tls-verify=false', `docker://${image}`, `dir:${pulled}`])
      const { digest, facts } = await readImageFolder(pulled)
      await rm(pulled, { recursive: true })
      return { digest, facts }
    },
    listTags: async repository => {
      return JSON.parse(await skopeo(['list-tags', '--tls-verify=false', `docker://${repository}`])).Tags
    },
    copy: async (from, to) => {
      await skopeo(['copy', ...plain, `docker://${from}`, `docker://${to}`])
    },
    remove: async image => {
      await skopeo(['delete', '--tls-verify=false', `docker://${image}`])
    },
    pushIndex: async ({ source }, image) => {
      await skopeo(['copy', '--all', ...plain, `docker://${source}`, `docker://${image}`])
    },
  }
}

const plain = ['--src-tls-verify=false', '--dest-tls-verify=false']
