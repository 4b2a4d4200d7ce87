import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Ephemeral, serveEphemeral } from '../start/ephemeral-program.ts'
import { commandLine } from '../start/program.ts'
import { findTool, testWithTools } from '../tools.ts'

const root = join(import.meta.dir, '..', '..')
const page = readFileSync(join(root, 'docs', 'clients.md'), 'utf8')

let home: string
let server: Ephemeral

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'stower-docs-'))
  server = await serveEphemeral()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(home, { recursive: true })
})

test('the example for curl makes an organization and shows it', async () => {
  expect(JSON.parse((await shell(example('curl', 'sh'))).replace('{}', ''))).toMatchObject({ name: 'by-curl', auth: 7 })
})

test('the example for Node.js makes an organization and lists it', async () => {
  expect((await run(['node', '-e', example('Huawei Cloud SDK for Node.js', 'js')])).split(/\s/)).toContain('by-node')
})

test('the key of a docker login is what the command of the page says', async () => {
  const said = await shell(example('docker, podman, skopeo, containerd', 'sh'))
  expect(said.trim()).toBe(server.variables.SWR_LOGIN_KEY ?? '')
})

testWithTools(['skopeo'], 'the example for skopeo logs in', async () => {
  const skopeo = findTool('skopeo') ?? ''
  const script = example('docker, podman, skopeo, containerd', 'sh', 1).replace('skopeo', skopeo)
  expect(await shell(script)).toContain('Login Succeeded!')
})

test('what Harbor calls makes an organization and lists it', async () => {
  const [made = '', list = ''] = (await shell(example('Harbor', 'sh'))).split(/(?<=^\{\})/)
  expect(made).toBe('{}')
  expect(JSON.parse(list).namespaces.map(({ name }: { name: string }) => name)).toContain('by-harbor')
})

test('the first step of the CI job leaves a server that answers, and its variables in the file', async () => {
  const step = /- run: (.*>> "\$GITHUB_ENV")/.exec(example('A CI job', 'yaml'))?.[1] ?? ''
  const file = join(home, 'env')
  const start = commandLine().join(' ')
  await shell(step.replace('stower serve', start), { GITHUB_ENV: file, NODE_NO_WARNINGS: '1' })
  const told = Object.fromEntries([...readFileSync(file, 'utf8').matchAll(/^(\w+)=(.*)$/gm)].map(m => [m[1], m[2]]))
  try {
    expect((await fetch(`${told.SWR_URL}/readyz`)).status).toBe(200)
  } finally {
    process.kill(Number(told.SWR_PID), 'SIGTERM')
  }
})

/** The text of a block of code below a heading of the page. */
function example(heading: string, language: string, index = 0): string {
  const section = page.split(/^## /m).find(each => each.startsWith(`${heading}\n`)) ?? ''
  const blocks = [...section.matchAll(/^```(\w*)\n(.*?)^```$/gms)].filter(block => block[1] === language)
  const text = blocks[index]?.[2]
  if (text === undefined) throw new Error(`the page has no ${language} number ${index} below ${heading}`)
  return text
}

function shell(script: string, env: Record<string, string> = {}): Promise<string> {
  return run(['sh', '-c', script], env)
}

/** Resolves to standard output. Throws what a command said that failed. */
async function run(command: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const child = Bun.spawn([...command], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', HOME: home, ...server.variables, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: Bun.file(join(home, 'stderr')),
  })
  const out = await new Response(child.stdout).text()
  const code = await child.exited
  if (code !== 0) throw new Error(`${code}: ${out}${readFileSync(join(home, 'stderr'), 'utf8')}`)
  return out
}
