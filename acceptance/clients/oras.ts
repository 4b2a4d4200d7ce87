import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import { readOciLayout } from '../image-facts.ts'
import type { Client } from './client.ts'
import { withLayout } from './layout.ts'

export type Oras = Client & { oras: (args: readonly string[], options?: OrasOptions) => Promise<string> }
export type OrasOptions = { input?: string; cwd?: string }

/** oras with its configuration in the folder. It builds no images: those that it pushes are OCI layouts of ours. */
export async function openOras(folder: string): Promise<Oras> {
  await mkdir(folder)
  const env = { HOME: folder, DOCKER_CONFIG: join(folder, 'config') }
  const oras = (args: readonly string[], options: OrasOptions = {}) =>
    run(requireTool('oras'), args, { cwd: folder, ...options, env })
  return {
    name: 'oras',
    oras,
    logIn: async (host, { user, password }) => {
      await oras(['login', '--plain-http', '-u', user, '--password-stdin', host], { input: password })
    },
    push: async (content, image) => {
      const { digest, facts } = await withLayout(folder, content, async layout => {
        await oras(['cp', '--from-oci-layout', `${layout}:1`, '--to-plain-http', image])
      })
      return { digest, facts }
    },
    pull: async image => {
      const layout = join(folder, 'pulled')
      await oras(['cp', '--from-plain-http', image, '--to-oci-layout', `${layout}:1`])
      const { digest, facts } = await readOciLayout(layout)
      await rm(layout, { recursive: true })
      return { digest, facts }
    },
    listTags: async repository => (await oras(['repo', 'tags', '--plain-http', repository])).trim().split('\n'),
    copy: async (from, to) => {
      await oras(['cp', '--from-plain-http', from, '--to-plain-http', to])
    },
    remove: async image => {
      await oras(['manifest', 'delete', '--plain-http', '--force', image])
    },
    pushIndex: async ({ children }, image) => {
      const tags = children.map(child => child.slice(child.lastIndexOf(':') + 1))
      await oras(['manifest', 'index', 'create', '--plain-http', image, ...tags])
    },
    attach: async (image, type) => {
      await writeFile(join(folder, 'attached.txt'), 'an attached text')
      await oras(['attach', '--plain-http', '--artifact-type', type, image, 'attached.txt:text/plain'])
    },
    listReferrers: async image => {
      const found = JSON.parse(await oras(['discover', '--plain-http', '--format', 'json', image]))
      return found.referrers.map(({ artifactType }: { artifactType: string }) => artifactType)
    },
  }
}
