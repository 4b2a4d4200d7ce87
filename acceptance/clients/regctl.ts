import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import { readOciLayout } from '../image-facts.ts'
import type { Client } from './client.ts'
import { withLayout } from './layout.ts'

export type Regctl = Client & { regctl: (args: readonly string[], input?: string) => Promise<string> }

/** regctl with its configuration in the folder. It builds nothing: what it pushes is an OCI layout of ours. */
export async function openRegctl(folder: string): Promise<Regctl> {
  await mkdir(folder)
  const regctl = (args: readonly string[], input?: string) =>
    run(requireTool('regctl'), args, { env: { HOME: folder }, ...(input !== undefined && { input }) })
  /** regctl knows nothing of a registry that was not named to it. */
  const reach = (image: string) => regctl(['registry', 'set', '--tls', 'disabled', image.split('/')[0] ?? ''])
  return {
    name: 'regctl',
    regctl,
    logIn: async (host, { user, password }) => {
      await reach(host)
      await regctl(['registry', 'login', '-u', user, '--pass-stdin', host], password)
    },
    push: async (content, image) => {
      await reach(image)
      const { digest, facts } = await withLayout(folder, content, layout =>
        regctl(['image', 'copy', `ocidir://${layout}:1`, image]),
      )
      return { digest, facts }
    },
    pull: async image => {
      await reach(image)
      const layout = join(folder, 'pulled')
      await regctl(['image', 'copy', image, `ocidir://${layout}:1`])
      const { digest, facts } = await readOciLayout(layout)
      await rm(layout, { recursive: true })
      return { digest, facts }
    },
    listTags: async repository => (await regctl(['tag', 'ls', repository])).trim().split('\n'),
    copy: async (from, to) => {
      await reach(to)
      await regctl(['image', 'copy', from, to])
    },
    remove: async image => {
      await regctl(['manifest', 'delete', '--force-tag-dereference', image])
    },
    pushIndex: async ({ children }, image) => {
      await regctl(['index', 'create', image, ...children.flatMap(child => ['--ref', child])])
    },
    attach: async (image, type) => {
      await regctl(['artifact', 'put', '--artifact-type', type, '--subject', image], 'an attached text')
    },
    listReferrers: async image => artifactTypesIn(await regctl(['artifact', 'list', '--format', 'raw-body', image])),
  }
}

/** The types of what an answer of the referrers API lists. */
function artifactTypesIn(body: string): string[] {
  return JSON.parse(body).manifests.map(({ artifactType }: { artifactType: string }) => artifactType)
}
