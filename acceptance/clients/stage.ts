import { test } from 'bun:test'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { areToolsRequired } from '../../scripts/tools.mjs'
import { testWithTools } from '../../test/tools.ts'
import { type ImageContent, makeContent } from '../images.ts'
import { createOrganization, type Login, logins, type Program, startProgram } from '../program.ts'
import { openBuildah } from './buildah.ts'
import { type Client, type ClientName, clientTools } from './client.ts'
import { type Crane, openCrane } from './crane.ts'
import { type Docker, openDocker } from './docker.ts'
import { type DockerEngine, startDockerEngine } from './dockerd.ts'
import { openPodman, type Podman } from './podman.ts'
import { openSkopeo, type Skopeo } from './skopeo.ts'

export type Clients = { docker: Docker; skopeo: Skopeo; podman: Podman; buildah: Client; crane: Crane }

/** A program with the organization `group`, content for images, and clients of it. Disposing of it ends and removes all. */
export type Stage = AsyncDisposable & {
  readonly program: Program
  /** Made at the first call: where tests are skipped, the machine may lack what it is made of. */
  content: () => Promise<ImageContent>
  /** An empty folder. */
  newFolder: (name: string) => Promise<string>
  /** A client that was never used. */
  newClient: <Name extends ClientName>(name: Name) => Promise<Clients[Name]>
  /** The client of that kind that is logged in like this, the same each time. */
  client: <Name extends ClientName>(name: Name, login?: keyof typeof logins) => Promise<Clients[Name]>
}

/** The name of an image in the organization of the stage, as clients write it. */
export function imageName({ program }: Stage, repository: string, tag = '1'): string {
  return `${program.host}/group/${repository}:${tag}`
}

/** `layerCount`: of the content. */
export async function openStage(options: { layerCount?: number } = {}): Promise<Stage> {
  await using opened = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'stower-clients-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const program = opened.use(await startProgram())
  await createOrganization(program, 'group')
  let folders = 0
  const nextPath = (name: string) => join(folder, `${name}-${++folders}`)
  const newFolder = async (name: string) => {
    const path = nextPath(name)
    await mkdir(path)
    return path
  }
  const lasting = opened.move()
  let content: Promise<ImageContent> | undefined
  let engine: Promise<DockerEngine> | undefined
  const dockerEngine = () => {
    engine ??= startDockerEngine(nextPath('engine')).then(started => lasting.use(started))
    return engine
  }
  const open: { [Name in ClientName]: () => Promise<Clients[Name]> } = {
    docker: async () => openDocker(nextPath('docker'), await dockerEngine()),
    skopeo: () => openSkopeo(nextPath('skopeo')),
    podman: () => openPodman(nextPath('podman')),
    buildah: () => openBuildah(nextPath('buildah')),
    crane: () => openCrane(nextPath('crane')),
  }
  const loggedIn = async <Name extends ClientName>(name: Name, login: Login) => {
    const client = await open[name]()
    await client.logIn(program.host, login)
    return client
  }
  const known = new Map<string, Promise<Client>>()
  return {
    program,
    content: () => {
      content ??= newFolder('content').then(path => makeContent(path, options))
      return content
    },
    newFolder,
    newClient: name => open[name](),
    client: <Name extends ClientName>(name: Name, login: keyof typeof logins = 'password') => {
      const key = `${name} by ${login}`
      const client = (known.get(key) as Promise<Clients[Name]> | undefined) ?? loggedIn(name, logins[login])
      known.set(key, client)
      return client
    },
    [Symbol.asyncDispose]: () => lasting.disposeAsync(),
  }
}

/** A test with these clients; skipped, saying why, where one of them can't be had. */
export function testWithClients(
  names: readonly ClientName[],
  title: string,
  run: () => Promise<void>,
  timeoutMs?: number,
): void {
  const isRoot = process.getuid?.() === 0
  if (names.includes('docker') && !isRoot && !areToolsRequired) {
    test.skip(`${title} (dockerd needs root)`, run)
    return
  }
  const tools = new Set(['busybox' as const, ...names.flatMap(name => clientTools[name])])
  testWithTools([...tools], title, run, timeoutMs)
}
