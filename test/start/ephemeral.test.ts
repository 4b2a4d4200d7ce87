import { expect, test } from 'bun:test'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { managementToken } from '../server.ts'
import { serveEphemeral } from './ephemeral-program.ts'
import { commandLine, environment, launch, temporaryFolder } from './program.ts'

test('it prints all that a client needs once it answers, with random credentials, and lets standard output go', async () => {
  await using program = await serveEphemeral()
  const { variables } = program
  expect(Object.keys(variables)).toEqual([
    ...['SWR_PID', 'SWR_URL', 'SWR_HOST', 'SWR_AUTH_URL', 'SWR_REGION'],
    ...['SWR_ACCOUNT', 'SWR_ACCOUNT_ID', 'SWR_PROJECT', 'SWR_PROJECT_ID', 'SWR_USER', 'SWR_PASSWORD'],
    ...['SWR_ACCESS_KEY', 'SWR_SECRET_KEY', 'SWR_LOGIN_USER', 'SWR_LOGIN_KEY', 'SWR_DATA_DIR'],
  ])
  expect(await statusOf(`${variables.SWR_URL}/readyz`)).toBe(200)
  expect(await logIn(variables, variables.SWR_USER, variables.SWR_PASSWORD)).toBe(200)
  expect(await logIn(variables, variables.SWR_LOGIN_USER, variables.SWR_LOGIN_KEY)).toBe(200)
  expect(await logIn(variables, variables.SWR_USER, 'another')).toBe(401)
  const { SWR_ACCOUNT: account = '', SWR_PROJECT_ID: id, SWR_ACCOUNT_ID: domain } = variables
  const login = { account, user: variables.SWR_USER ?? '', password: variables.SWR_PASSWORD ?? '' }
  const token = await managementToken({ url: variables.SWR_URL ?? '' }, login, variables.SWR_PROJECT)
  const answer = await fetch(`${variables.SWR_URL}/v3/projects`, { headers: { 'x-auth-token': token } })
  expect(await answer.json()).toMatchObject({ projects: [{ id, domain_id: domain, name: variables.SWR_PROJECT }] })
})

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s ends it with 0, and its folder is gone', async signal => {
  await using program = await serveEphemeral()
  const folder = program.variables.SWR_DATA_DIR ?? ''
  expect(folder.startsWith(join(tmpdir(), 'stower-ephemeral-'))).toBe(true)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  process.kill(Number(program.variables.SWR_PID), signal)
  expect(await program.ended).toEqual({ code: 0, stderr: '' })
  expect(existsSync(folder)).toBe(false)
})

test('a start that is refused leaves no folder', async () => {
  using folder = temporaryFolder()
  const env = { TMPDIR: folder.path }
  const refused = serveEphemeral(['--listen', '203.0.113.1:1', '--external-url', 'http://a'], { env })
  expect(String(await refused.catch(error => error))).toMatch(/stower: [^\n]*203\.0\.113\.1/)
  expect(
    await Array.fromAsync(new Bun.Glob('stower-ephemeral-*').scan({ cwd: folder.path, onlyFiles: false })),
  ).toEqual([])
})

test('credentials are those of the flags where there are some', async () => {
  const given = {
    ...{ SWR_ACCOUNT: 'acme', SWR_PROJECT: 'eu-de', SWR_USER: 'root', SWR_PASSWORD: 'a-given-password' },
    ...{ SWR_ACCESS_KEY: 'AKGIVEN', SWR_SECRET_KEY: 'SKgiven', SWR_REGION: 'eu-nl' },
  }
  const flags = [
    ...['--init-account', 'acme', '--init-project', 'eu-de', '--init-user', 'root', '--region', 'eu-nl'],
    ...['--init-password', 'a-given-password', '--init-access-key', 'AKGIVEN', '--init-secret-key', 'SKgiven'],
  ]
  await using program = await serveEphemeral(flags)
  expect(program.variables).toMatchObject(given)
  expect(await logIn(program.variables, 'root', 'a-given-password')).toBe(200)
})

test('what the folder and the environment say of an installation is not for it, and that stays as it is', async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'data')
  writeFileSync(join(folder.path, 'stower.yaml'), 'data_dir: data\nlisten: 127.0.0.1:1\n')
  const env = { ...environment({ dataDir }), STOWER_LISTEN: '127.0.0.1:1', STOWER_INIT_PASSWORD: 'not-for-tests' }
  await using program = await serveEphemeral([], { cwd: folder.path, env })
  expect(program.variables.SWR_PASSWORD).not.toBe('not-for-tests')
  expect(existsSync(dataDir)).toBe(false)
  expect(await statusOf(`${program.variables.SWR_URL}/readyz`)).toBe(200)
})

test.each([
  ['--data-dir', './data'],
  ['--config', 'stower.yaml'],
  ['--database-url', 'postgres://a@b/c'],
])('%s is refused beside it', async (flag, value) => {
  using folder = temporaryFolder()
  const { code, stderr } = await launch({ dataDir: folder.path, flags: ['--ephemeral', flag, value] }).ended
  expect(stderr).toBe(`stower: --ephemeral keeps nothing and ${flag} does: leave one out\n`)
  expect(code).toBe(1)
})

test('eight at once have ports, folders and secrets of their own', async () => {
  await using programs = new AsyncDisposableStack()
  const all = await Promise.all(Array.from({ length: 8 }, () => serveEphemeral()))
  for (const program of all) programs.use(program)
  for (const name of ['SWR_URL', 'SWR_DATA_DIR', 'SWR_PASSWORD', 'SWR_ACCESS_KEY', 'SWR_ACCOUNT_ID']) {
    expect(new Set(all.map(({ variables }) => variables[name])).size).toBe(8)
  }
  const statuses = await Promise.all(all.map(({ variables }) => statusOf(`${variables.SWR_URL}/readyz`)))
  expect(statuses).toEqual(Array(8).fill(200))
})

test('a shell takes it in one line, and the command goes on as soon as it answers', async () => {
  const start = commandLine(['--ephemeral']).join(' ')
  const script = `export $(${start} &); curl -s -o /dev/null -w '%{http_code} ' $SWR_URL/readyz; echo $SWR_DATA_DIR; kill $SWR_PID`
  const child = Bun.spawn(['sh', '-c', script], { cwd: tmpdir(), stdout: 'pipe', stderr: 'pipe' })
  // At its end when the server is gone, too.
  const stderr = new Response(child.stderr).text()
  const [status, folder = ''] = (await new Response(child.stdout).text()).trim().split(' ')
  expect(status).toBe('200')
  expect(await stderr).toBe('')
  expect(existsSync(folder)).toBe(false)
})

test('what a command changes beside it counts', async () => {
  await using program = await serveEphemeral()
  const { variables } = program
  const flags = ['user', 'create', 'ci', '--password-stdin', '--data-dir', variables.SWR_DATA_DIR ?? '']
  const child = Bun.spawn([...commandLine().slice(0, -1), ...flags], {
    env: { PATH: process.env.PATH ?? '' },
    stdin: new Blob(['password of ci\n']),
    stdout: 'ignore',
    stderr: 'inherit',
  })
  expect(await child.exited).toBe(0)
  expect(await logIn(variables, 'ci', 'password of ci')).toBe(200)
  expect(readFileSync(join(variables.SWR_DATA_DIR ?? '', 'encryption.key'), 'utf8')).toMatch(/^\S{44}\n$/)
})

async function statusOf(url: string): Promise<number> {
  return (await fetch(url)).status
}

/** The status that a docker login gets. */
async function logIn({ SWR_URL }: Record<string, string>, user = '', password = ''): Promise<number> {
  const authorization = `Basic ${btoa(`${user}:${password}`)}`
  return (await fetch(`${SWR_URL}/swr/auth/v2/registry/auth/?service=dockyard`, { headers: { authorization } })).status
}
