import { spawn } from 'node:child_process'
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bunPackage, isMusl } from './bun-binary.mjs'

/**
 * Makes sure that node_modules below `root` holds what package-lock.json says: for running Stower, or with
 * `withDevelopment` also for checking and testing it. Costs two file reads when all is there, and needs no network then.
 * Throws a sentence for people.
 *
 * An installation is made aside and moved into place, so node_modules is whole at every moment, whatever is killed; of
 * two launchers at once one installs and the other waits for it.
 */
export async function ensureDependencies(root, { withDevelopment = false } = {}) {
  const wanted = bunPackage()
  if (isInstalled(root, wanted, withDevelopment)) return
  const lock = await takeLock(join(root, '.cache', 'install.lock'))
  try {
    if (isInstalled(root, wanted, withDevelopment)) return
    process.stderr.write('stower: installing the npm packages of package-lock.json (npm ci) ...\n')
    await install(root, withDevelopment || hasDevelopment(root))
  } finally {
    lock.release()
  }
}

/** Compares npm's own record of what it installed with the lockfile, package by package. */
function isInstalled(root, bun, withDevelopment) {
  const wanted = readPackages(join(root, 'package-lock.json'))
  if (wanted === undefined) throw new Error(`${join(root, 'package-lock.json')} cannot be read.`)
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'))
  if (installed?.[`node_modules/${bun}`] === undefined) return false
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || !fitsMachine(entry) || (isDevelopment(entry) && !withDevelopment)) return true
    const there = installed[path]
    return there !== undefined && there.version === entry.version && there.integrity === entry.integrity
  })
}

/** Whether the node_modules to be replaced holds packages for development: then its successor shall, too. */
function hasDevelopment(root) {
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json')) ?? {}
  return Object.values(installed).some(isDevelopment)
}

function isDevelopment(entry) {
  return entry.dev === true || entry.devOptional === true
}

function fitsMachine(entry) {
  const libc = process.platform === 'linux' ? (isMusl() ? 'musl' : 'glibc') : undefined
  const allows = (list, value) => list === undefined || list.includes(value)
  return allows(entry.os, process.platform) && allows(entry.cpu, process.arch) && allows(entry.libc, libc)
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}

async function install(root, withDevelopment) {
  const cache = join(root, '.cache')
  for (const name of readdirSync(cache)) {
    const isLeftover = name.startsWith('install-') && Date.now() - statSync(join(cache, name)).mtimeMs > 3_600_000
    if (isLeftover) rmSync(join(cache, name), { recursive: true, force: true })
  }
  const aside = mkdtempSync(join(cache, 'install-'))
  try {
    for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
      if (existsSync(join(root, name))) cpSync(join(root, name), join(aside, name))
    }
    await runNpm(aside, [
      'ci',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--include=optional',
      withDevelopment ? '--include=dev' : '--omit=dev',
      ...(isWritable(homedir()) ? [] : [`--cache=${join(cache, 'npm')}`]),
    ])
    const modules = join(root, 'node_modules')
    if (existsSync(modules)) renameSync(modules, join(aside, 'replaced'))
    renameSync(join(aside, 'node_modules'), modules)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}

/** Runs the npm that started us, else the one on PATH. What it prints is shown only when it fails. */
async function runNpm(folder, args) {
  const running = process.env.npm_execpath
  const isNpm = running !== undefined && /^npm(-cli)?\.c?js$/.test(basename(running))
  const [command, first] = isNpm ? [process.execPath, [running]] : ['npm', []]
  const interruption = new AbortController()
  const interrupt = () => interruption.abort()
  for (const signal of interruptions) process.on(signal, interrupt)
  try {
    const { code, error, output } = await run(command, [...first, ...args, `--prefix=${folder}`], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: interruption.signal,
    })
    if (interruption.signal.aborted) throw new Error('interrupted while installing.')
    if (error?.code === 'ENOENT') throw new Error('npm was not found: it comes with Node.js (https://nodejs.org).')
    if (error !== undefined) throw error
    if (code !== 0) throw new Error(`${output}\nnpm could not install the packages: its messages stand above.`)
  } finally {
    for (const signal of interruptions) process.off(signal, interrupt)
  }
}

const interruptions = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** Settles only when the process is gone, also after an interruption: what it wrote to is cleared away next. */
function run(command, args, options) {
  return new Promise(resolve => {
    const child = spawn(command, args, options)
    const output = []
    let error
    child.stdout.on('data', chunk => output.push(chunk))
    child.stderr.on('data', chunk => output.push(chunk))
    child.on('error', cause => {
      error = cause
    })
    child.on('close', code => resolve({ code, error, output: Buffer.concat(output) }))
  })
}

function isWritable(folder) {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

const renewalMs = 1_000
const staleMs = 10_000

/**
 * A folder is made by one process only. Its holder touches it while it lives; one that has not been touched for a while
 * belonged to a process that was killed. Should two processes clear such a folder away at the same moment, both install,
 * which costs time and harms nothing.
 */
async function takeLock(folder) {
  mkdirSync(dirname(folder), { recursive: true })
  let hasSaidSo = false
  while (!tryMakeFolder(folder)) {
    const touchedMs = statSync(folder, { throwIfNoEntry: false })?.mtimeMs
    if (touchedMs !== undefined && Date.now() - touchedMs > staleMs) {
      rmSync(folder, { recursive: true, force: true })
      continue
    }
    if (!hasSaidSo) process.stderr.write('stower: another start is installing the npm packages; waiting for it ...\n')
    hasSaidSo = true
    await sleep(100)
  }
  const renewal = setInterval(() => {
    const now = new Date()
    // Cleared away by someone who took us for dead: then there is nothing to renew.
    if (existsSync(folder)) utimesSync(folder, now, now)
  }, renewalMs)
  return {
    release() {
      clearInterval(renewal)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function tryMakeFolder(folder) {
  try {
    mkdirSync(folder)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}
