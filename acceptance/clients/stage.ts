import { test } from 'bun:test'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { areToolsRequired } from '../../scripts/tools.mjs'
import { type RegistryClient, registryClient } from '../../test/oci/registry-client.ts'
import { testWithTools } from '../../test/tools.ts'
import { type ImageContent, makeContent } from '../images.ts'
import { createOrganization, type Login, logins, type Program, type ProgramOptions, startProgram } from '../program.ts'
import { openBuildah } from './buildah.ts'
import { type Buildkit, openBuildkit } from './buildkit.ts'
import { startBuildkitd } from './buildkitd.ts'
import { type Client, type ClientName, clientTools } from './client.ts'
import { startContainerd } from './containerd.ts'
import { type Cosign, makeCosignKey, openCosign } from './cosign.ts'
import { type Crane, openCrane } from './crane.ts'
import { type Ctr, openCtr } from './ctr.ts'
import { type Docker, openDocker } from './docker.ts'
import { startDockerEngine } from './dockerd.ts'
import type { Engine } from './engine.ts'
import { type Helm, openHelm } from './helm.ts'
import { makeNotationKey, type Notation, openNotation } from './notation.ts'
import { type Oras, openOras } from './oras.ts'
import { openPodman, type Podman } from './podman.ts'
import { openRegctl, type Regctl } from './regctl.ts'
import { openSkopeo, type Skopeo } from './skopeo.ts'

export type Clients = {
  docker: Docker
  skopeo: Skopeo
  podman: Podman
  buildah: Client
  ctr: Ctr
  crane: Crane
  regctl: Regctl
  oras: Oras
  helm: Helm
  cosign: Cosign
  notation: Notation
  buildkit: Buildkit
}

/** What clients need of a program. */
export type Served = AsyncDisposable & Pick<Program, 'url' | 'host' | 'dataDir'>

/** A program with the organization `group`, content for images, and clients of it. Disposing of it ends and removes all. */
export type Stage<Under extends Served = Program> = AsyncDisposable & {
  readonly program: Under
  /** Requests by hand, with the rights of the administrator. */
  readonly registry: RegistryClient
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
export function imageName({ program }: { program: Pick<Program, 'host'> }, repository: string, tag = '1'): string {
  return `${program.host}/group/${repository}:${tag}`
}

/** `layerCount`: of the content. */
export type StageOptions = { layerCount?: number }

/** A stage over a program that is started for it. */
export async function openStage(options: StageOptions & { program?: ProgramOptions } = {}): Promise<Stage> {
  return openStageOver(await startProgram(options.program), options)
}

/** A stage over a program that runs; it is disposed of with the stage. */
export async function openStageOver<Under extends Served>(
  program: Under,
  options: StageOptions = {},
): Promise<Stage<Under>> {
  await using opened = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'stower-clients-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  opened.use(program)
  await createOrganization(program, 'group')
  let folders = 0
  const nextPath = (name: string) => join(folder, `${name}-${++folders}`)
  const newFolder = async (name: string) => {
    const path = nextPath(name)
    await mkdir(path)
    return path
  }
  const lasting = opened.move()
  const startShared = (start: (folder: string) => Promise<Engine>) =>
    once(async () => lasting.use(await start(nextPath('engine'))))
  const dockerd = startShared(startDockerEngine)
  const containerd = startShared(startContainerd)
  const buildkitd = startShared(startBuildkitd)
  const cosignKey = once(() => makeCosignKey(nextPath('key')))
  const notationKey = once(() => makeNotationKey(nextPath('key')))
  const { user, password } = logins.password
  const registry = registryClient({ url: program.url, basic: `Basic ${btoa(`${user}:${password}`)}` })
  const pushSubject = async (image: string) => {
    const [, name = '', tag = ''] = /^[^/]+\/(.+):([^:]+)$/.exec(image) ?? []
    return (await registry.pushImage(name, tag)).digest
  }
  const open: { [Name in ClientName]: () => Promise<Clients[Name]> } = {
    docker: async () => openDocker(nextPath('docker'), await dockerd()),
    skopeo: () => openSkopeo(nextPath('skopeo')),
    podman: () => openPodman(nextPath('podman')),
    buildah: () => openBuildah(nextPath('buildah')),
    ctr: async () => openCtr(nextPath('ctr'), await containerd()),
    crane: () => openCrane(nextPath('crane')),
    regctl: () => openRegctl(nextPath('regctl')),
    oras: () => openOras(nextPath('oras')),
    helm: () => openHelm(nextPath('helm')),
    cosign: async () => openCosign(nextPath('cosign'), await cosignKey(), pushSubject),
    notation: async () => openNotation(nextPath('notation'), await notationKey(), pushSubject),
    buildkit: async () => openBuildkit(nextPath('buildkit'), await buildkitd()),
  }
  const loggedIn = async <Name extends ClientName>(name: Name, login: Login) => {
    const client = await open[name]()
    await client.logIn(program.host, login)
    return client
  }
  const known = new Map<string, Promise<Client>>()
  return {
    program,
    registry,
    content: once(async () => makeContent(await newFolder('content'), options)),
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

/** What all clients of a stage share, made for the first that needs it. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
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
  if (names.some(name => needsRoot.has(name)) && !isRoot && !areToolsRequired) {
    test.skip(`${title} (its engine needs root)`, run)
    return
  }
  const tools = new Set(['busybox' as const, ...names.flatMap(name => clientTools[name])])
  testWithTools([...tools], title, run, timeoutMs)
}

const needsRoot = new Set<ClientName>(['docker', 'ctr', 'buildkit'])
