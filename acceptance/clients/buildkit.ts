import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import { type ImageFacts, readOciLayout } from '../image-facts.ts'
import type { Client } from './client.ts'
import type { Engine } from './engine.ts'

export type Buildkit = Client & {
  /** Builds a context with its Dockerfile, or the given one; resolves to what was printed. */
  build: (context: string, flags: readonly string[], dockerfile?: string) => Promise<string>
  /** Forgets all that was built and pulled. */
  prune: () => Promise<void>
}

/** buildctl with its logins in the folder. buildkitd asks it for them. */
export async function openBuildkit(folder: string, { socket }: Engine): Promise<Buildkit> {
  const config = join(folder, 'config')
  await mkdir(config, { recursive: true })
  const auths: Record<string, { auth: string }> = {}
  const buildctl = (args: readonly string[]) =>
    run(requireTool('buildctl'), ['--addr', socket, ...args], { env: { HOME: folder, DOCKER_CONFIG: config } })
  const build: Buildkit['build'] = async (context, flags, dockerfile) => {
    const work = await mkdtemp(join(folder, 'dockerfile-'))
    if (dockerfile !== undefined) await writeFile(join(work, 'Dockerfile'), dockerfile)
    const locals = [`context=${context}`, `dockerfile=${dockerfile === undefined ? context : work}`]
    const output = await buildctl([
      ...['build', '--progress', 'plain', '--frontend', 'dockerfile.v0'],
      ...locals.flatMap(local => ['--local', local]),
      ...flags,
    ])
    await rm(work, { recursive: true })
    return output
  }
  const prune = async () => {
    await buildctl(['prune', '--all'])
  }
  /** Builds once, into the registry where an image is named, and into an OCI layout that is read. */
  const buildAndRead = async (context: string, image?: string, dockerfile?: string) => {
    const work = await mkdtemp(join(folder, 'layout-'))
    const archive = join(work, 'image.tar')
    const push = image === undefined ? [] : ['--output', `type=image,name=${image},push=true`]
    const output = await build(context, [...push, '--output', `type=oci,dest=${archive}`], dockerfile)
    await run('tar', ['-C', work, '-xf', archive])
    const { digest, facts } = await readOciLayout(work)
    await rm(work, { recursive: true })
    return { digest, facts: withoutConfig(facts), output }
  }
  return {
    name: 'buildkit',
    build,
    prune,
    // buildctl has no login of its own: it reads what docker login writes down.
    logIn: async (host, { user, password }) => {
      auths[host] = { auth: Buffer.from(`${user}:${password}`).toString('base64') }
      await writeFile(join(config, 'config.json'), JSON.stringify({ auths }))
    },
    push: async ({ context }, image) => {
      const { digest, facts } = await buildAndRead(context, image)
      return { digest, facts }
    },
    /** Builds on it. What comes of that has another configuration. */
    pull: async image => {
      await prune()
      const { facts, output } = await buildAndRead(folder, undefined, `FROM ${image}\n`)
      const digest = new RegExp(`${image}@(sha256:[0-9a-f]{64})`).exec(output)?.[1]
      if (digest === undefined) throw new Error(`buildkit names no digest: ${output}`)
      return { digest, facts }
    },
    copy: async (from, to) => {
      await build(folder, ['--output', `type=image,name=${to},push=true`], `FROM ${from}\n`)
    },
    pushIndex: async (_parts, image) => {
      const flags = ['--opt', 'platform=linux/amd64,linux/arm64', '--output', `type=image,name=${image},push=true`]
      await build(folder, flags, 'FROM scratch\nARG TARGETARCH\nCOPY config /config\nLABEL arch=$TARGETARCH\n')
    },
  }
}

function withoutConfig(facts: ImageFacts): ImageFacts {
  return { ...facts, config: '' }
}
