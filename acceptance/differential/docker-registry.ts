import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { freePort } from '../program.ts'
import { waitUntil } from '../wait.ts'

/** Debian's docker-registry in a folder of its own, without a login and with deletion on. */
export async function startDockerRegistry(): Promise<{ url: string } & AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'stower-docker-registry-'))
  const port = await freePort()
  const file = join(folder, 'config.yml')
  writeFileSync(file, configuration(folder, port))
  const child = spawn(requireTool('docker-registry'), ['serve', file], { cwd: folder, stdio: 'ignore' })
  // A test run that ends early must leave no server behind.
  const kill = () => void child.kill('SIGKILL')
  process.on('exit', kill)
  const url = `http://127.0.0.1:${port}`
  const dispose = async () => {
    kill()
    await ended(child)
    process.off('exit', kill)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const isReady = async () => (await fetch(`${url}/v2/`).catch(() => undefined))?.status === 200
    await waitUntil(isReady, () => 'docker-registry serves', 30_000)
  } catch (error) {
    await dispose()
    throw error
  }
  return { url, [Symbol.asyncDispose]: dispose }
}

function configuration(folder: string, port: number): string {
  return [
    'version: 0.1',
    'log: { level: error, accesslog: { disabled: true } }',
    'storage:',
    `  filesystem: { rootdirectory: ${JSON.stringify(join(folder, 'data'))} }`,
    '  delete: { enabled: true }',
    '  maintenance: { uploadpurging: { enabled: false } }',
    `http: { addr: '127.0.0.1:${port}', secret: 'a secret of the tests' }`,
    '',
  ].join('\n')
}

function ended(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise(resolve => child.once('exit', resolve))
}
