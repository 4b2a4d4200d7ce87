import { expect, test } from 'bun:test'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandLine, environment, launch, servedUrl, startAndStop, temporaryFolder } from './program.ts'

const modeOf = (path: string) => statSync(path).mode & 0o777

/** What stands behind a word of the block, e.g. `Password`. */
function shown(block: string, word: string): string {
  return new RegExp(`^ +${word} +(\\S+)\\r?$`, 'm').exec(block)?.[1] ?? ''
}

test('without a terminal the first start puts the credentials into a private file and tells only its path', async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'data')
  const { stdout, stderr } = await startAndStop({ dataDir })
  const file = join(dataDir, 'initial-credentials.txt')
  const block = readFileSync(file, 'utf8')
  expect(modeOf(file)).toBe(0o600)
  expect(stdout).toContain(file)
  for (const secret of [shown(block, 'Password'), shown(block, 'Secret key')]) {
    expect(secret.length).toBeGreaterThanOrEqual(16)
    expect(stdout + stderr).not.toContain(secret)
  }
  for (const line of ['/v2/manage/namespaces', 'docker login', 'docker push']) expect(block).toContain(line)
})

test('the second start hands nothing over', async () => {
  using folder = temporaryFolder()
  await startAndStop({ dataDir: folder.path })
  const file = join(folder.path, 'initial-credentials.txt')
  const before = readFileSync(file, 'utf8')
  const { stdout } = await startAndStop({ dataDir: folder.path })
  expect(stdout).not.toContain('credentials')
  expect(readFileSync(file, 'utf8')).toBe(before)
})

test('credentials that can not be written down end the start with the way to new ones', async () => {
  using folder = temporaryFolder()
  mkdirSync(join(folder.path, 'initial-credentials.txt'))
  const { code, stdout, stderr } = await launch({ dataDir: folder.path }).ended
  expect(code).toBe(1)
  expect(stderr).toMatch(/^stower: [^\n]+initial-credentials\.txt[^\n]+credentials reset[^\n]+\n$/)
  expect(stdout).not.toMatch(/Password|Secret key/)
  await startAndStop({ dataDir: folder.path })
})

test('what the first start was told is what counts', async () => {
  using folder = temporaryFolder()
  await using program = launch({
    dataDir: folder.path,
    env: { STOWER_INIT_USER: 'root', STOWER_INIT_PASSWORD: 'a-given-password', STOWER_INIT_ACCOUNT: 'acme' },
  })
  const url = await program.serving
  expect(await logIn(url, 'root', 'a-given-password')).toBe(200)
  expect(await logIn(url, 'root', 'another-password')).toBe(401)
  program.signal('SIGTERM')
  await program.ended
})

test('the data folder and everything in it is for its owner alone', async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'data')
  await using program = launch({ dataDir })
  await program.serving
  expect(modeOf(dataDir)).toBe(0o700)
  const open: string[] = []
  for await (const path of new Bun.Glob('**/*').scan({ cwd: dataDir, onlyFiles: false, dot: true })) {
    if ((modeOf(join(dataDir, path)) & 0o077) !== 0) open.push(path)
  }
  expect(open).toEqual([])
  program.signal('SIGTERM')
  await program.ended
})

test('on a terminal the first start shows the credentials once, and makes no file of them', async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'data')
  const first = await serveOnTerminal(dataDir, async (url, screen) => {
    expect(await logIn(url, shown(screen, 'User'), shown(screen, 'Password'))).toBe(200)
  })
  expect(first.match(/Secret key/g)).toHaveLength(1)
  expect(existsSync(join(dataDir, 'initial-credentials.txt'))).toBe(false)
  const second = await serveOnTerminal(dataDir, async () => {})
  expect(second).not.toMatch(/Password|Secret key/)
})

/** Serves on a pseudo-terminal while `work` runs. Returns all that stood on the screen. */
async function serveOnTerminal(dataDir: string, work: (url: string, screen: string) => Promise<void>): Promise<string> {
  let screen = ''
  const serving = Promise.withResolvers<string>()
  const child = Bun.spawn(commandLine(), {
    cwd: tmpdir(),
    env: { ...environment({ dataDir }), TERM: 'xterm' },
    terminal: {
      cols: 200,
      rows: 50,
      data: (_terminal, bytes) => {
        screen += new TextDecoder().decode(bytes)
        const url = servedUrl(screen)
        if (url !== undefined) serving.resolve(url)
      },
    },
  })
  void child.exited.then(code => serving.reject(new Error(`ended with ${code} before it served: ${screen}`)))
  const url = await serving.promise
  await fetch(`${url}/livez`)
  await work(url, screen)
  child.kill('SIGTERM')
  expect(await child.exited).toBe(0)
  child.terminal?.close()
  return screen
}

/** The status that the docker login of a user gets. */
async function logIn(url: string, user: string, password: string): Promise<number> {
  const answer = await fetch(`${url}/swr/auth/v2/registry/auth/?service=dockyard`, {
    headers: { authorization: `Basic ${btoa(`${user}:${password}`)}` },
  })
  await answer.text()
  return answer.status
}
