import { join } from 'node:path'
import { type Registry, repository } from '../registry.ts'
import type { Contestant, Running } from './contestant.ts'
import { firstAnswer, freePort, launch, orStop, root } from './launch.ts'

const credentials = { account: 'bench', project: 'local', user: 'bench', password: 'password of the benchmark' }

export const stowerByNpm: Contestant = {
  name: 'Stower, npm start',
  about: 'SQLite and folder, bearer tokens, synced',
  isStower: true,
  start: folder => start(['npm', 'start', '--silent'], folder),
}

export const stower: Contestant = {
  ...stowerByNpm,
  name: 'Stower',
  start: folder => start(['node', join(root, 'bin', 'stower.mjs'), 'serve'], folder),
}

export function stowerExecutable(file: string): Contestant {
  return { ...stowerByNpm, name: 'Stower, executable', start: folder => start([file, 'serve'], folder) }
}

/** Below the folder of a contestant: what Stower keeps. */
export const dataFolder = (folder: string) => join(folder, 'data')

/** What is answered to a login, a right one or one with a wrong password. */
export async function logIn({ host }: Registry, password: string = credentials.password): Promise<Response> {
  const scopes = [`repository:${repository}:pull,push`, 'registry:catalog:*'].map(scope => `&scope=${scope}`).join('')
  const headers = { Authorization: basic(password) }
  return fetch(`http://${host}/swr/auth/v2/registry/auth/?service=dockyard${scopes}`, { headers })
}

async function start(command: readonly string[], folder: string): Promise<Running> {
  const { host } = await freePort()
  const process = launch(command, folder, {
    STOWER_LISTEN: host,
    STOWER_DATA_DIR: dataFolder(folder),
    STOWER_TOKENS_DOCKER_LIFE: '24h',
    STOWER_INIT_ACCOUNT: credentials.account,
    STOWER_INIT_PROJECT: credentials.project,
    STOWER_INIT_USER: credentials.user,
    STOWER_INIT_PASSWORD: credentials.password,
  })
  return orStop(process, async () => {
    const startMs = await firstAnswer(process, `http://${host}/readyz`)
    const registry = { host, repository, authorization: undefined }
    await createOrganization(host)
    const { token } = (await (await logIn(registry)).json()) as { token: string }
    return { ...registry, authorization: `Bearer ${token}`, basic: basic(), startMs, ...process }
  })
}

async function createOrganization(host: string): Promise<void> {
  const { account, project, user, password } = credentials
  const identity = { methods: ['password'], password: { user: { domain: { name: account }, name: user, password } } }
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`http://${host}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const answer = await post('/v3/auth/tokens', { auth: { identity, scope: { project: { name: project } } } })
  const token = answer.headers.get('X-Subject-Token') ?? ''
  const [namespace] = repository.split('/')
  const { status } = await post('/v2/manage/namespaces', { namespace }, { 'X-Auth-Token': token })
  // A second start finds the one of the first.
  if (status !== 201 && status !== 409) throw new Error(`the organization was answered ${status}`)
}

function basic(password: string = credentials.password): string {
  return `Basic ${btoa(`${credentials.user}:${password}`)}`
}
