import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../registry.ts'
import type { Contestant } from './contestant.ts'
import { findProgram, firstAnswer, freePort, launch, orStop } from './launch.ts'

/** Those that are installed, and the names of those that are not. */
export function installedPeers(): { peers: readonly Contestant[]; missing: readonly string[] } {
  const found = programs.map(({ program, make }) => ({ program, path: findProgram(program), make }))
  return {
    peers: found.flatMap(({ path, make }) => (path === undefined ? [] : [make(path)])),
    missing: found.filter(({ path }) => path === undefined).map(({ program }) => program),
  }
}

const programs: readonly { program: string; make: (path: string) => Contestant }[] = [
  {
    program: 'docker-registry',
    make: path =>
      distribution(path, 'docker-registry', 'Debian’s package of distribution 2.8, folder, no authentication'),
  },
  { program: 'registry', make: path => distribution(path, 'distribution', 'version 3, folder, no authentication') },
  { program: 'zot', make: zot },
]

function distribution(program: string, name: string, about: string): Contestant {
  return {
    name,
    about,
    isStower: false,
    start: folder =>
      startPeer(folder, '/', (host, data) => ({
        command: [program, 'serve'],
        configuration: `version: 0.1
storage: { filesystem: { rootdirectory: ${data} } }
http: { addr: '${host}' }
`,
      })),
  }
}

/** As its documentation has it, with the log level that a server is run with. */
function zot(program: string): Contestant {
  return {
    name: 'zot',
    about: 'folder, no authentication, no extensions, its default of not syncing',
    isStower: false,
    start: folder =>
      startPeer(folder, '/v2/', (host, data) => {
        const [address, port] = host.split(':')
        return {
          command: [program, 'serve'],
          configuration: JSON.stringify({
            distSpecVersion: '1.1.0',
            storage: { rootDirectory: data },
            http: { address, port },
            log: { level: 'info' },
          }),
        }
      }),
  }
}

type Settings = { command: readonly string[]; configuration: string }

/** `probe`: a path that it answers with 200 as soon as it serves. */
async function startPeer(folder: string, probe: string, settings: (host: string, data: string) => Settings) {
  const { host } = await freePort()
  const { command, configuration } = settings(host, join(folder, 'data'))
  mkdirSync(folder, { recursive: true })
  // The ending says which notation to read it in.
  const file = join(folder, configuration.startsWith('{') ? 'config.json' : 'config.yml')
  writeFileSync(file, configuration)
  // Version 3 of distribution sends traces to a collector on this machine unless it is told not to.
  const process = launch([...command, file], folder, { OTEL_TRACES_EXPORTER: 'none' })
  return orStop(process, async () => {
    const startMs = await firstAnswer(process, `http://${host}${probe}`)
    return { host, repository, authorization: undefined, basic: undefined, startMs, ...process }
  })
}
