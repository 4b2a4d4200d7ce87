// Installs the tools of the tests that are missing: Debian's packages, Go tools with a Go to build these, and Python tools.
// Run by `STOWER_TEST_INSTALL=1 npm test` and in CI, never otherwise.
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { findTool, goBinFolder, pythonFolder, searchFolders, tools } from './tools.mjs'

/** The oldest Go that builds the tools, and the one that is brought where it is older. */
const oldestGo = [1, 26]
const pinnedGo = '1.26.8'

/** Go tools that are built at a time: one compiles on all cores while another fetches its modules or links on one. */
const goLanes = 2

/** Says what it does. A tool that could not be brought is told on stderr: the tests that need it will fail. */
export async function installTestTools() {
  const missing = Object.keys(tools).filter(name => findTool(name) === undefined)
  const packages = missing.flatMap(name => (tools[name].debian === undefined ? [] : [tools[name].debian]))
  const goTools = missing.flatMap(name => (tools[name].go === undefined ? [] : [tools[name]]))
  const pythonTools = missing.flatMap(name => tools[name].python ?? [])
  await attempt(() => installDebianPackages(packages))
  for (const file of pythonTools) await attempt(() => installPythonPackages(file))
  if (goTools.length > 0) await attempt(() => installGoTools(goTools))
  for (const name of missing) {
    if (findTool(name) === undefined) process.stderr.write(`test tools: ${name} could not be installed\n`)
  }
}

async function attempt(action) {
  try {
    await action()
  } catch (error) {
    process.stderr.write(`test tools: ${error.message}\n`)
  }
}

/** Each of `choices` is a list of package names of which the first known one is taken. */
function installDebianPackages(choices) {
  if (choices.length === 0) return
  if (!isOnPath('apt-get')) throw new Error('only Debian and its relatives are set up here (there is no apt-get)')
  run('the package lists of Debian', asRoot(['apt-get', 'update', '-qq']))
  const names = new Set(choices.map(choice => choice.find(isKnownPackage) ?? choice[0]))
  const script = `${withoutServices}\napt-get install -y -qq --no-install-recommends ${[...names].join(' ')}`
  run(
    `Debian's packages ${[...names].join(', ')}`,
    asRoot(['env', 'DEBIAN_FRONTEND=noninteractive', 'sh', '-ec', script]),
  )
}

/** Debian starts the service of what it installs, unless this program forbids it. One that was there before stays. */
const withoutServices = `
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\\nexit 101\\n' > $policy
  chmod 755 $policy
fi`

function isKnownPackage(name) {
  const { status, stdout } = spawnSync('apt-cache', ['show', name], { encoding: 'utf8' })
  return status === 0 && stdout.includes(`Package: ${name}\n`)
}

function asRoot(command) {
  if (process.getuid?.() === 0) return command
  if (isOnPath('sudo')) return ['sudo', ...command]
  throw new Error('installing Debian packages needs root, or sudo')
}

/** Into an environment that holds nothing else, so that no version of the system's is moved. */
function installPythonPackages(file) {
  if (!canMakeEnvironments()) installDebianPackages([['python3-venv']])
  run('an environment of Python', ['python3', '-m', 'venv', pythonFolder])
  const pip = join(pythonFolder, 'bin', 'pip')
  run(`the Python packages of ${basename(file)}`, [
    pip,
    'install',
    '--quiet',
    '--no-deps',
    '--only-binary=:all:',
    '-r',
    file,
  ])
}

function canMakeEnvironments() {
  return spawnSync('python3', ['-c', 'import ensurepip, venv']).status === 0
}

async function installGoTools(goTools) {
  const go = provideGo()
  mkdirSync(goBinFolder, { recursive: true })
  const waiting = [...new Set(goTools.map(tool => tool.module ?? tool.go))]
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const packages = goTools.filter(({ module }) => module === next).map(tool => tool.go)
      await attempt(() => (packages.length === 0 ? goInstall(go, next) : goBuild(go, next, packages)))
    }
  }
  await Promise.all(Array.from({ length: goLanes }, lane))
}

async function goInstall(go, name) {
  await build(name, go, ['install', ...withoutDebugging, name], { env: { GOBIN: goBinFolder } })
}

/** Builds packages of a module as what a module without code depends on: all versions are the ones it names. */
async function goBuild(go, module, packages) {
  const cwd = mkdtempSync(join(tmpdir(), 'stower-go-'))
  try {
    execFileSync(go, ['mod', 'init', 'example.com/none'], { cwd, stdio: 'ignore' })
    execFileSync(go, ['mod', 'edit', `-require=${module}`], { cwd })
    await build(module, go, ['build', '-mod=mod', ...withoutDebugging, '-o', `${goBinFolder}/`, ...packages], { cwd })
  } finally {
    rmSync(cwd, { recursive: true })
  }
}

/** Half the work of the linker is for debuggers. */
const withoutDebugging = ['-ldflags=-s -w']

async function build(what, go, args, { cwd, env = {} }) {
  process.stdout.write(`test tools: building ${what}\n`)
  const options = { cwd, env: { ...process.env, ...goEnvironment(), ...env }, maxBuffer: 64 * 1024 * 1024 }
  try {
    await promisify(execFile)(go, args, options)
  } catch (error) {
    throw new Error(`building ${what} failed:\n${error.stdout ?? ''}${error.stderr ?? ''}${error.message}`)
  }
}

/** The Go on PATH when it is young enough, else the pinned one, which comes as a Go module. */
function provideGo() {
  if (!isOnPath('go')) installDebianPackages([['golang-go']])
  if (isYoungEnough()) return 'go'
  const system = { linux: 'linux', darwin: 'darwin' }[process.platform]
  const cpu = { x64: 'amd64', arm64: 'arm64' }[process.arch]
  const module = `golang.org/toolchain@v0.0.1-go${pinnedGo}.${system}-${cpu}`
  process.stdout.write(`test tools: bringing Go ${pinnedGo}\n`)
  const folder = mkdtempSync(join(tmpdir(), 'stower-go-'))
  try {
    const options = { cwd: folder, env: { ...process.env, ...goEnvironment() }, encoding: 'utf8' }
    execFileSync('go', ['mod', 'init', 'example.com/none'], { ...options, stdio: 'ignore' })
    const { Dir: toolchain } = JSON.parse(execFileSync('go', ['mod', 'download', '-json', module], options))
    // Modules carry no permissions.
    for (const part of ['bin', 'pkg/tool']) makeExecutable(join(toolchain, part))
    return join(toolchain, 'bin', 'go')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function isYoungEnough() {
  const { stdout } = spawnSync('go', ['version'], { encoding: 'utf8', env: { ...process.env, ...goEnvironment() } })
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(stdout ?? '') ?? []
  return Number(major) > oldestGo[0] || (Number(major) === oldestGo[0] && Number(minor) >= oldestGo[1])
}

/** The Go that was chosen is the one that runs, and a module cache in a temporary home can be removed again. */
function goEnvironment() {
  const flags = [process.env.GOFLAGS, '-modcacherw'].filter(Boolean).join(' ')
  return { GOTOOLCHAIN: 'local', GOFLAGS: flags }
}

function makeExecutable(folder) {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name)
    if (statSync(file).isDirectory()) makeExecutable(file)
    else chmodSync(file, 0o755)
  }
}

function isOnPath(name) {
  return searchFolders().some(folder => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile())
}

/** Output is shown only when the command fails. */
function run(what, [program, ...args], env = {}) {
  process.stdout.write(`test tools: installing ${what}\n`)
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, ...env },
  })
  if (status !== 0) throw new Error(`installing ${what} failed:\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await installTestTools()
