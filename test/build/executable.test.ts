import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOrganization, credentials, type Program, startProgram } from '../../acceptance/program.ts'
import { smoke } from '../../acceptance/smoke.ts'
import { waitUntil } from '../../acceptance/wait.ts'
import { sharedExecutable } from './executable.ts'

const folder = mkdtempSync(join(tmpdir(), 'stower-build-'))
let executable = ''

beforeAll(async () => {
  executable = await sharedExecutable()
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function makeFolder(): string {
  return mkdtempSync(join(folder, 'cwd-'))
}

test('the executable serves in an empty folder with an empty environment, and ends with 0 on SIGTERM', async () => {
  const cwd = makeFolder()
  const child = Bun.spawn([executable, 'serve', '--listen', '127.0.0.1:0'], { cwd, env: {}, stdout: 'pipe' })
  try {
    const url = await readUrl(child.stdout)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect(statSync(join(cwd, 'data')).mode & 0o777).toBe(0o700)
    if (process.platform === 'linux') {
      // Where the pool of file threads reads its size from.
      expect(readFileSync(`/proc/${child.pid}/environ`, 'latin1').split('\0')).toContain('UV_THREADPOOL_SIZE=32')
    }
    child.kill('SIGTERM')
    expect(await child.exited).toBe(0)
  } finally {
    child.kill('SIGKILL')
  }
})

test('the executable tells its version, and takes nothing from the .env and bunfig.toml of the folder', async () => {
  const cwd = makeFolder()
  writeFileSync(join(cwd, '.env'), 'STOWER_REGION=of-someone-else\n')
  writeFileSync(join(cwd, 'bunfig.toml'), 'preload = ["./missing.ts"]\n')
  const say = (...args: string[]) => Bun.spawnSync([executable, ...args], { cwd, env: {} }).stdout.toString()
  const { version } = JSON.parse(readFileSync(join(import.meta.dir, '..', '..', 'package.json'), 'utf8'))
  expect(say('version')).toStartWith(`stower ${version} `)
  const printed = say('config', 'print')
  expect(printed).toContain('region')
  expect(printed).not.toContain('of-someone-else')
})

test('the executable passes the smoke test', async () => {
  await using program = await startProgram({ command: [executable] })
  await smoke(program)
})

test('the worker inside the executable folds the log of SQLite into the database', async () => {
  await using program = await startProgram({ command: [executable] })
  await createOrganization(program, 'group')
  const log = join(program.dataDir, 'stower.db-wal')
  let largestBytes = 0
  for (let number = 0; number < 4; number++) {
    await pushLargeManifest(program, number)
    largestBytes = Math.max(largestBytes, statSync(log).size)
  }
  expect(largestBytes).toBeGreaterThan(8 * 1024 * 1024)
  const sizeBytes = () => statSync(log).size
  await waitUntil(
    () => sizeBytes() < 1024 * 1024,
    () => `the log shrinks (it has ${sizeBytes()} bytes)`,
    15_000,
  )
})

async function readUrl(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stdout.getReader()
  const decoder = new TextDecoder()
  let said = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`it never said where it serves: ${said}`)
    said += decoder.decode(value, { stream: true })
    const url = /"url":"([^"]+)"/.exec(said)?.[1]
    if (url !== undefined) return url
  }
}

async function pushLargeManifest({ url }: Program, number: number): Promise<void> {
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  const padding = `${number}`.repeat(3 * 1024 * 1024)
  const answer = await fetch(`${url}/v2/group/large/manifests/n${number}`, {
    method: 'PUT',
    headers: {
      Authorization: `Basic ${btoa(`${credentials.user}:${credentials.password}`)}`,
      'Content-Type': mediaType,
    },
    body: JSON.stringify({ schemaVersion: 2, mediaType, manifests: [], annotations: { padding } }),
  })
  if (answer.status !== 201) throw new Error(`the manifest was answered ${answer.status}: ${await answer.text()}`)
}
