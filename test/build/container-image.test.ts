import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createHash, randomInt } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDockerEngine } from '../../acceptance/clients/dockerd.ts'
import { run } from '../../acceptance/command.ts'
import { createOrganization, credentials, managementToken } from '../../acceptance/program.ts'
import { waitUntil } from '../../acceptance/wait.ts'
import { requireTool, testWithTools } from '../tools.ts'
import { buildImage, sharedExecutable } from './executable.ts'

const folder = mkdtempSync(join(tmpdir(), 'stower-image-'))
const archive = join(folder, 'image.tar')
let executable = ''
let name = ''
let digest = ''

beforeAll(async () => {
  executable = await sharedExecutable()
  const said = await buildImage(executable, archive)
  ;[, name = '', digest = ''] = /: (stower:\S+), (sha256:[0-9a-f]{64})$/m.exec(said) ?? []
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('an image made twice of one executable is the same, byte for byte', async () => {
  const again = join(folder, 'again.tar')
  await buildImage(executable, again)
  const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')
  expect(sha256(again)).toBe(sha256(archive))
})

testWithTools(
  ['docker', 'dockerd', 'skopeo'],
  'docker runs the image read-only without any privilege, skopeo pushes it into itself, and a new container finds all',
  async () => {
    await using engine = await startDockerEngine(join(folder, 'engine'))
    const home = join(folder, 'home')
    mkdirSync(home)
    const docker = (...args: string[]) =>
      run(requireTool('docker'), args, { env: { HOME: home, DOCKER_HOST: engine.socket } })
    expect(await docker('load', '-i', archive)).toContain(`Loaded image: ${name}`)

    const program = { url: `http://127.0.0.1:${randomInt(20_000, 32_000)}` }
    const settings = [
      `STOWER_LISTEN=${new URL(program.url).host}`,
      `STOWER_INIT_ACCOUNT=${credentials.account}`,
      `STOWER_INIT_PROJECT=${credentials.project}`,
      `STOWER_INIT_USER=${credentials.user}`,
      `STOWER_INIT_PASSWORD=${credentials.password}`,
    ].flatMap(setting => ['-e', setting])
    const rights = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges']
    const start = async (container: string) => {
      await docker(
        ...['run', '-d', '--name', container, '--network=host', ...rights, '-v', 'data:/data', ...settings, name],
      )
      const isReady = async () => (await fetch(`${program.url}/readyz`).catch(() => undefined))?.status === 200
      await waitUntil(isReady, () => 'the container is ready', 15_000)
    }

    await start('first')
    await createOrganization(program, 'group')
    const image = `${new URL(program.url).host}/group/stower:1`
    const login = `${credentials.user}:${credentials.password}`
    const env = { HOME: home }
    await run(
      requireTool('skopeo'),
      [
        ...['--insecure-policy', 'copy', '--dest-tls-verify=false', '--dest-creds', login],
        ...[`oci-archive:${archive}`, `docker://${image}`],
      ],
      { env },
    )
    await docker('stop', 'first')
    expect((await docker('inspect', '-f', '{{.State.ExitCode}}', 'first')).trim()).toBe('0')

    await start('second')
    const organization = await fetch(`${program.url}/v2/manage/namespaces/group`, {
      headers: { 'X-Auth-Token': await managementToken(program) },
    })
    expect(organization.status).toBe(200)
    const inspected = await run(
      requireTool('skopeo'),
      ['inspect', '--tls-verify=false', '--creds', login, `docker://${image}`],
      { env },
    )
    expect(JSON.parse(inspected).Digest).toBe(digest)
    await docker('rm', '-f', 'second')
  },
  60_000,
)
