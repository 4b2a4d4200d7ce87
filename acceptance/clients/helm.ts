import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import { describeFile, type ImageFacts, listFiles } from '../image-facts.ts'
import { writeNoise } from '../images.ts'
import type { Client } from './client.ts'

export type Helm = Client & { helm: (args: readonly string[], input?: string) => Promise<string> }

/** helm with its configuration in the folder. Its images are charts: the repository is the chart, the tag its version. */
export async function openHelm(folder: string): Promise<Helm> {
  await mkdir(folder)
  const env = { HOME: folder, HELM_REGISTRY_CONFIG: join(folder, 'registry.json') }
  const helm = (args: readonly string[], input?: string) =>
    run(requireTool('helm'), args, { env, cwd: folder, ...(input !== undefined && { input }) })
  return {
    name: 'helm',
    helm,
    logIn: async (host, { user, password }) => {
      await helm(['registry', 'login', '--plain-http', '-u', user, '--password-stdin', host], password)
    },
    push: async (_content, image) => {
      const work = await mkdtemp(join(folder, 'push-'))
      const { parent, name, version } = chartOf(image)
      const chart = join(work, name)
      await mkdir(join(chart, 'files'), { recursive: true })
      await writeFile(join(chart, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: ${version}\n`)
      await writeNoise(join(chart, 'files/noise'), 100_000, name)
      await helm(['package', chart, '-d', work])
      const archive = join(work, `${name}-${version}.tgz`)
      const output = await helm(['push', '--plain-http', archive, `oci://${parent}`])
      const facts = await readChart(archive, name)
      await rm(work, { recursive: true })
      return { digest: digestIn(output), facts }
    },
    pull: async image => {
      const work = await mkdtemp(join(folder, 'pull-'))
      const { parent, name, version } = chartOf(image)
      const output = await helm(['pull', '--plain-http', '-d', work, '--version', version, `oci://${parent}/${name}`])
      const [archive = ''] = await readdir(work)
      const facts = await readChart(join(work, archive), name)
      await rm(work, { recursive: true })
      return { digest: digestIn(output), facts }
    },
  }
}

/** What helm calls the parts of `host/organization/chart:version`. */
export function chartOf(image: string): { parent: string; name: string; version: string } {
  const slash = image.lastIndexOf('/')
  const colon = image.lastIndexOf(':')
  return { parent: image.slice(0, slash), name: image.slice(slash + 1, colon), version: image.slice(colon + 1) }
}

async function readChart(archive: string, name: string): Promise<ImageFacts> {
  const root = `${archive}.unpacked`
  await mkdir(root)
  await run('tar', ['-C', root, '-xf', archive])
  const { digest: config } = await describeFile(join(root, name, 'Chart.yaml'))
  const facts = { config, layers: [(await describeFile(archive)).digest], files: await listFiles(root) }
  await rm(root, { recursive: true })
  return facts
}

function digestIn(output: string): string {
  const digest = /Digest: (sha256:[0-9a-f]{64})/.exec(output)?.[1]
  if (digest === undefined) throw new Error(`helm names no digest: ${output}`)
  return digest
}
