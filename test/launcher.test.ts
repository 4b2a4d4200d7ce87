import { afterAll, afterEach, expect, test } from 'bun:test'
import { type ChildProcess, spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bunPackage } from '../scripts/bun-binary.mjs'

const project = join(import.meta.dir, '..')
const folders: string[] = []
const running: ChildProcess[] = []

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Says what it was given; as `serve` it lives until a signal or the end of the launcher's pipe, and leaves a note. */
const program = `
import { writeFileSync } from 'node:fs'
const [command, code] = process.argv.slice(2)
function stop(why) {
  console.log(why)
  writeFileSync(process.env.STOPPED, why)
  process.exit(0)
}
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => stop(signal))
const { UV_THREADPOOL_SIZE: threads, MIMALLOC_PURGE_DELAY: purgeDelay, DOTENV: dotenv } = process.env
console.log(JSON.stringify({ args: process.argv.slice(2), threads, purgeDelay, dotenv }))
if (command === 'fail') throw new Error('failed here')
if (command === 'exit') process.exit(Number(code))
if (command === 'die') process.kill(process.pid, 'SIGKILL')
for await (const _ of Bun.file(Number(process.env.STOWER_LAUNCHER_PIPE)).stream()) {}
stop('end of pipe')
`

/** Stands for npm: notes each run, takes a moment, and brings the packages that are already on this machine. */
const npm = `
import { appendFileSync, symlinkSync } from 'node:fs'
appendFileSync(process.env.NPM_RUNS, process.argv.slice(2).join(' ') + '\\n')
await new Promise(resolve => setTimeout(resolve, Number(process.env.NPM_MS ?? 300)))
if (process.env.NPM_FAILS) { console.log('npm says why'); process.exit(1) }
symlinkSync(process.env.NPM_SOURCE, 'node_modules')
`

/** A copy of the project's launcher around `program`, without node_modules. */
function makeProject(): string {
  const root = mkdtempSync(join(tmpdir(), 'stower-launcher-'))
  folders.push(root)
  for (const name of ['bin', 'scripts', 'package.json', 'package-lock.json', '.npmrc']) {
    cpSync(join(project, name), join(root, name), { recursive: true })
  }
  mkdirSync(join(root, 'src', 'metadata', 'sqlite'), { recursive: true })
  writeFileSync(join(root, 'src', 'main.ts'), program)
  writeFileSync(join(root, 'src', 'metadata', 'sqlite', 'checkpointer.ts'), '')
  mkdirSync(join(root, 'npm'))
  writeFileSync(join(root, 'npm', 'package.json'), '{"type":"module"}')
  writeFileSync(join(root, 'npm', 'npm-cli.js'), npm)
  return root
}

function makeInstalledProject(): string {
  const root = makeProject()
  symlinkSync(join(project, 'node_modules'), join(root, 'node_modules'))
  return root
}

type Run = {
  readonly child: ChildProcess
  /** The first line of the program. */
  readonly said: Promise<{ args: string[]; threads: string; purgeDelay: string; dotenv?: string }>
  readonly exit: Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>
}

function launch(root: string, args: readonly string[], env: Record<string, string> = {}): Run {
  const child = spawn('node', [join(root, 'bin', 'stower.mjs'), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: root,
      STOPPED: join(root, 'stopped'),
      npm_execpath: join(root, 'npm', 'npm-cli.js'),
      NPM_RUNS: join(root, 'npm-runs'),
      NPM_SOURCE: join(project, 'node_modules'),
      ...env,
    },
  })
  running.push(child)
  let stdout = ''
  let stderr = ''
  const said = Promise.withResolvers<Awaited<Run['said']>>()
  child.stdout?.on('data', chunk => {
    stdout += chunk
    const [line, rest] = stdout.split('\n')
    if (line !== undefined && rest !== undefined) said.resolve(JSON.parse(line))
  })
  child.stderr?.on('data', chunk => {
    stderr += chunk
  })
  const exit = new Promise<Awaited<Run['exit']>>(resolve => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return { child, said: said.promise, exit }
}

function npmRuns(root: string): string[] {
  const file = join(root, 'npm-runs')
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []
}

async function waitUntil(isSo: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`${what}: not within 10 s`)
    await Bun.sleep(20)
  }
}

test('arguments reach the program, and its exit code comes back', async () => {
  const root = makeInstalledProject()
  writeFileSync(join(root, '.env'), 'DOTENV=read')
  writeFileSync(join(root, 'bunfig.toml'), 'preload = ["./not-there.ts"]')
  const run = launch(root, ['exit', '7', '--flag', 'a b'])
  expect(await run.said).toMatchObject({ args: ['exit', '7', '--flag', 'a b'], threads: '32', purgeDelay: '0' })
  expect((await run.said).dotenv).toBeUndefined()
  expect(await run.exit).toMatchObject({ code: 7, stderr: '' })
  expect(npmRuns(root)).toEqual([])
})

test('a set UV_THREADPOOL_SIZE or MIMALLOC_PURGE_DELAY is kept', async () => {
  const run = launch(makeInstalledProject(), ['exit', '0'], { UV_THREADPOOL_SIZE: '5', MIMALLOC_PURGE_DELAY: '10' })
  expect(await run.said).toMatchObject({ threads: '5', purgeDelay: '10' })
})

test('a program that a signal ended gives 128 + the number of the signal', async () => {
  expect((await launch(makeInstalledProject(), ['die']).exit).code).toBe(137)
})

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s is passed on', async signal => {
  const run = launch(makeInstalledProject(), ['serve'])
  await run.said
  run.child.kill(signal)
  const { code, stdout } = await run.exit
  expect(code).toBe(0)
  expect(stdout).toContain(signal)
})

test('a launcher that is killed leaves no server behind', async () => {
  const root = makeInstalledProject()
  const run = launch(root, ['serve'])
  await run.said
  run.child.kill('SIGKILL')
  await waitUntil(() => existsSync(join(root, 'stopped')), 'the server ends')
  expect(readFileSync(join(root, 'stopped'), 'utf8')).toBe('end of pipe')
})

test('npm that is killed leaves no server behind', async () => {
  const root = makeInstalledProject()
  const parent = spawn('sh', ['-c', `node ${join(root, 'bin', 'stower.mjs')} serve & wait`], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH, STOPPED: join(root, 'stopped'), npm_lifecycle_event: 'start' },
  })
  running.push(parent)
  await new Promise(resolve => parent.stdout.once('data', resolve))
  parent.kill('SIGKILL')
  await waitUntil(() => existsSync(join(root, 'stopped')), 'the server ends')
})

test('the first start installs what package-lock.json says, without development packages, and says so in one line', async () => {
  const root = makeProject()
  const run = launch(root, ['exit', '0'])
  const { code, stderr } = await run.exit
  expect(code).toBe(0)
  expect(stderr).toMatch(/^stower: installing .*\n$/)
  expect(npmRuns(root)).toHaveLength(1)
  expect(npmRuns(root)[0]).toMatch(/^ci --ignore-scripts --no-audit --no-fund .*--omit=dev/)
  expect(readdirSync(join(root, '.cache'))).toEqual(['bundles'])
})

test('two first starts at once install once', async () => {
  const root = makeProject()
  const exits = await Promise.all([launch(root, ['exit', '1']).exit, launch(root, ['exit', '2']).exit])
  expect(exits.map(exit => exit.code).sort()).toEqual([1, 2])
  expect(npmRuns(root)).toHaveLength(1)
})

test('when npm fails, its output is shown and what was there before stays', async () => {
  const root = makeProject()
  mkdirSync(join(root, 'node_modules'))
  writeFileSync(join(root, 'node_modules', 'mine'), '')
  const { code, stderr } = await launch(root, ['exit', '0'], { NPM_FAILS: '1' }).exit
  expect(code).toBe(1)
  expect(stderr).toContain('npm says why\n\nnpm could not install the packages')
  expect(readdirSync(join(root, 'node_modules'))).toEqual(['mine'])
  expect(readdirSync(join(root, '.cache'))).toEqual([])
})

test('an interrupted installation leaves nothing behind', async () => {
  const root = makeProject()
  const run = launch(root, ['exit', '0'], { NPM_MS: '60000' })
  await waitUntil(() => npmRuns(root).length === 1, 'npm runs')
  run.child.kill('SIGINT')
  expect(await run.exit).toMatchObject({ code: 1 })
  expect(readdirSync(join(root, '.cache'))).toEqual([])
  expect(existsSync(join(root, 'node_modules'))).toBe(false)
})

test('an installation that was killed is not waited for', async () => {
  const root = makeProject()
  const lock = join(root, '.cache', 'install.lock')
  mkdirSync(lock, { recursive: true })
  const longAgo = new Date(Date.now() - 60_000)
  utimesSync(lock, longAgo, longAgo)
  expect((await launch(root, ['exit', '0']).exit).code).toBe(0)
})

test('packages of another version, or of another machine, are installed anew', async () => {
  for (const change of [
    (packages: Record<string, { version?: string }>) => {
      packages['node_modules/zod'] = { ...packages['node_modules/zod'], version: '0.0.1' }
    },
    (packages: Record<string, unknown>) => {
      delete packages[`node_modules/${bunPackage()}`]
    },
  ]) {
    const root = makeProject()
    const modules = join(root, 'node_modules')
    mkdirSync(modules)
    const record = JSON.parse(readFileSync(join(project, 'node_modules', '.package-lock.json'), 'utf8'))
    change(record.packages)
    writeFileSync(join(modules, '.package-lock.json'), JSON.stringify(record))
    expect((await launch(root, ['exit', '0']).exit).code).toBe(0)
    expect(npmRuns(root)).toHaveLength(1)
  }
})

test('a folder that was moved still starts', async () => {
  const root = makeInstalledProject()
  const moved = `${root} moved`
  renameSync(root, moved)
  folders.push(moved)
  expect((await launch(moved, ['exit', '3']).exit).code).toBe(3)
})

function bundlesOf(root: string): string[] {
  return readdirSync(join(root, '.cache', 'bundles'))
}

test('the program is put into one file once, and again when a source of it changes', async () => {
  const root = makeInstalledProject()
  expect((await launch(root, ['exit', '1']).exit).code).toBe(1)
  const [first] = bundlesOf(root)
  expect((await launch(root, ['exit', '2']).exit).code).toBe(2)
  expect(bundlesOf(root)).toEqual([String(first)])

  writeFileSync(join(root, 'src', 'main.ts'), program.replace('Number(code)', '40 + Number(code)'))
  expect((await launch(root, ['exit', '2']).exit).code).toBe(42)
  expect(bundlesOf(root)).toHaveLength(2)

  const longAgo = new Date(Date.now() - 7_200_000)
  utimesSync(join(root, '.cache', 'bundles', String(first)), longAgo, longAgo)
  writeFileSync(join(root, 'src', 'main.ts'), program.replace('Number(code)', '50 + Number(code)'))
  expect((await launch(root, ['exit', '2']).exit).code).toBe(52)
  expect(bundlesOf(root)).toHaveLength(2)
  expect(bundlesOf(root)).not.toContain(first)
})

test('first starts at once each run the program', async () => {
  const root = makeInstalledProject()
  const exits = await Promise.all(['1', '2', '3'].map(code => launch(root, ['exit', code]).exit))
  expect(exits.map(exit => exit.code)).toEqual([1, 2, 3])
  expect(bundlesOf(root)).toHaveLength(1)
})

test('where no bundle can be made, the sources run', async () => {
  const root = makeInstalledProject()
  writeFileSync(join(root, '.cache'), '')
  expect((await launch(root, ['exit', '6']).exit).code).toBe(6)
})

test('a stack trace names the sources', async () => {
  const { stderr } = await launch(makeInstalledProject(), ['fail']).exit
  expect(stderr).toMatch(/failed here\n.*src\/main\.ts:\d+/)
})
