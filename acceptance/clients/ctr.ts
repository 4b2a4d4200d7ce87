import { mkdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import { readOciLayout } from '../image-facts.ts'
import type { Login } from '../program.ts'
import type { Client } from './client.ts'
import type { Containerd } from './containerd.ts'
import { withLayout } from './layout.ts'

export type Ctr = Client & {
  ctr: (args: readonly string[]) => Promise<string>
  /** The flags that `ctr images push` and `pull` need for this registry. */
  registryFlags: (image: string) => readonly string[]
}

/** ctr with a namespace of its own in containerd. It keeps no login: each command is told it anew. */
export async function openCtr(folder: string, { socket }: Containerd): Promise<Ctr> {
  await mkdir(folder)
  const logins = new Map<string, Login>()
  const ctr = (args: readonly string[]) =>
    run(requireTool('ctr'), ['-a', socket, '-n', basename(folder), ...args], { env: { HOME: folder } })
  const registryFlags = (image: string) => {
    const login = logins.get(image.split('/')[0] ?? '')
    return ['--plain-http', ...(login ? ['-u', `${login.user}:${login.password}`] : [])]
  }
  return {
    name: 'ctr',
    ctr,
    registryFlags,
    logIn: async (host, login) => void logins.set(host, login),
    push: async (content, image) => {
      const { digest, facts } = await withLayout(folder, content, async layout => {
        const archive = `${layout}.tar`
        await run('tar', ['-C', layout, '-cf', archive, '.'])
        const base = image.slice(0, image.lastIndexOf(':'))
        await ctr(['images', 'import', '--no-unpack', '--base-name', base, archive])
        await ctr(['images', 'push', ...registryFlags(image), image, `${base}:1`])
      })
      return { digest, facts }
    },
    pull: async image => {
      const known = (await ctr(['images', 'ls', '-q'])).split('\n').filter(Boolean)
      if (known.length > 0) await ctr(['images', 'rm', '--sync', ...known])
      await ctr(['images', 'pull', '--snapshotter', 'native', ...registryFlags(image), image])
      const layout = join(folder, 'pulled')
      await mkdir(layout)
      await ctr(['images', 'export', `${layout}.tar`, image])
      await run('tar', ['-C', layout, '-xf', `${layout}.tar`])
      const { digest, facts } = await readOciLayout(layout)
      await rm(layout, { recursive: true })
      await rm(`${layout}.tar`)
      return { digest, facts }
    },
    copy: async (from, to) => {
      await ctr(['images', 'pull', '--snapshotter', 'native', ...registryFlags(from), from])
      await ctr(['images', 'push', ...registryFlags(to), to, from])
    },
    pushIndex: async ({ source }, image) => {
      await ctr(['content', 'fetch', '--all-platforms', ...registryFlags(source), source])
      await ctr(['images', 'push', ...registryFlags(image), image, source])
    },
  }
}
