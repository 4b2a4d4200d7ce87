import { expect, test } from 'bun:test'
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { requireTool, testWithTools } from '../tools.ts'
import { commandLine, type Ended, environment, launch, servedUrl, startAndStop, temporaryFolder } from './program.ts'

const isRoot = process.getuid?.() === 0

/** One sentence on standard error that says all of `parts`, and nothing else. */
function expectRefusal({ code, stdout, stderr }: Ended, ...parts: readonly string[]): void {
  expect(stderr).toMatch(/^stower: [^\n]+\n$/)
  for (const part of parts) expect(stderr).toContain(part)
  expect(stdout).toBe('')
  expect(code).not.toBe(0)
  expect(code).toBeLessThan(128)
}

test('a second serve on one folder is refused, and the first goes on', async () => {
  using folder = temporaryFolder()
  await using first = launch({ dataDir: folder.path })
  const url = await first.serving
  expectRefusal(await launch({ dataDir: folder.path }).ended, folder.path, '--data-dir')
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  first.signal('SIGTERM')
  expect((await first.ended).code).toBe(0)
})

test('of many that start at once on a new folder one serves, and the others are refused', async () => {
  using folder = temporaryFolder()
  const programs = Array.from({ length: 4 }, () => launch({ dataDir: join(folder.path, 'data') }))
  await using programsEnd = new AsyncDisposableStack()
  for (const program of programs) programsEnd.use(program)
  const started = await Promise.allSettled(programs.map(program => program.serving))
  expect(started.filter(each => each.status === 'fulfilled')).toHaveLength(1)
  for (const program of programs) program.signal('SIGTERM')
  const ended = await Promise.all(programs.map(program => program.ended))
  expect(ended.filter(({ code }) => code === 0)).toHaveLength(1)
  for (const refused of ended.filter(({ code }) => code !== 0)) expectRefusal(refused, folder.path)
})

test('a taken port is refused, and the start that follows still hands over the credentials', async () => {
  using folder = temporaryFolder()
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => taken.once('listening', resolve))
  const address = taken.address()
  const listen = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  try {
    expectRefusal(await launch({ dataDir: folder.path, env: { STOWER_LISTEN: listen } }).ended, listen, '--listen')
  } finally {
    taken.close()
  }
  await startAndStop({ dataDir: folder.path })
  expect(existsSync(join(folder.path, 'initial-credentials.txt'))).toBe(true)
})

// Root may write everywhere unless it gives up the right to.
testWithTools(isRoot ? ['runuser'] : [], 'a data folder that may not be written is refused', async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'data')
  const under = isRoot ? ['setpriv', '--inh-caps=-all', '--bounding-set=-all'] : []
  mkdirSync(dataDir)
  chmodSync(dataDir, 0o555)
  if (isRoot) chownSync(dataDir, 65_534, 65_534)
  expectRefusal(await launch({ dataDir, under }).ended, dataDir)
  expectRefusal(await launch({ dataDir: join(dataDir, 'deeper'), under }).ended, join(dataDir, 'deeper'))
  chmodSync(dataDir, 0o700)
  await startAndStop({ dataDir })
})

test('a data folder that is a file is refused', async () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'file')
  await Bun.write(dataDir, 'mine')
  expectRefusal(await launch({ dataDir }).ended, dataDir)
  expect(await Bun.file(dataDir).text()).toBe('mine')
})

for (const sizeKib of [16, 128, 384]) {
  testWithTools(
    ['unshare'],
    `a disk that is full after ${sizeKib} KiB is refused, and a start with more room works`,
    async () => {
      using folder = temporaryFolder()
      const ownMount = isRoot ? [] : ['--user', '--map-root-user']
      const command = commandLine()
        .map(word => `'${word}'`)
        .join(' ')
      const script = `
        mount -t tmpfs -o size=${sizeKib}k,mode=700 tmpfs "$STOWER_DATA_DIR" || exit 99
        ${command} 2>&1; echo "code $?"
        mount -o remount,size=64m "$STOWER_DATA_DIR" || exit 98
        exec ${command}`
      const child = Bun.spawn([requireTool('unshare'), '--mount', ...ownMount, 'sh', '-c', script], {
        env: environment({ dataDir: folder.path }),
        stdout: 'pipe',
        stderr: 'inherit',
      })
      let stdout = ''
      for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream() as never) as AsyncIterable<string>) {
        stdout += chunk
        if (servedUrl(stdout) !== undefined) child.kill('SIGTERM')
      }
      expect(await child.exited).toBe(0)
      const [, first = '', code = ''] = /^(.*?)code (\d+)\n/s.exec(stdout) ?? []
      expectRefusal({ code: Number(code), stdout: '', stderr: first })
      expect(first).toMatch(/full|no room|disk/)
    },
    20_000,
  )
}

test('listening for other machines without an external URL is refused', async () => {
  using folder = temporaryFolder()
  const env = { STOWER_LISTEN: '0.0.0.0:0' }
  expectRefusal(await launch({ dataDir: folder.path, env }).ended, 'external_url')
  await startAndStop({ dataDir: folder.path })
})

test('a wrong encryption key is refused, and the right one works again', async () => {
  using folder = temporaryFolder()
  const at = (key: string) => ({ dataDir: folder.path, env: { STOWER_ENCRYPTION_KEY: key } })
  await startAndStop(at('the-right-encryption-key'))
  expectRefusal(await launch(at('another-encryption-key')).ended, 'STOWER_ENCRYPTION_KEY')
  // Without the setting there is no file either.
  expectRefusal(await launch({ dataDir: folder.path }).ended, 'STOWER_ENCRYPTION_KEY')
  await startAndStop(at('the-right-encryption-key'))
})

test('a lost key file is refused and not made anew, and works when it is back', async () => {
  using folder = temporaryFolder()
  await startAndStop({ dataDir: folder.path })
  const file = join(folder.path, 'encryption.key')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  renameSync(file, `${file}.kept`)
  expectRefusal(await launch({ dataDir: folder.path }).ended, file)
  expect(existsSync(file)).toBe(false)
  renameSync(`${file}.kept`, file)
  await startAndStop({ dataDir: folder.path })
})

test.each([
  ['an unknown flag', { flags: ['--lisen', '127.0.0.1:0'] }, ['--lisen', '--listen']],
  ['an unknown variable', { env: { STOWER_LISTN: '127.0.0.1:0' } }, ['STOWER_LISTN', 'STOWER_LISTEN']],
  ['a wrong value', { env: { STOWER_SHUTDOWN_TIMEOUT: 'soon' } }, ['STOWER_SHUTDOWN_TIMEOUT']],
])('%s is refused by its name', async (_title, options, parts) => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'data')
  expectRefusal(await launch({ dataDir, ...options }).ended, ...parts)
  expect(existsSync(dataDir)).toBe(false)
})
