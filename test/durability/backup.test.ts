import { expect } from 'bun:test'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { sharedExecutable } from '../build/executable.ts'
import { registryClient } from '../oci/registry-client.ts'
import { createOrganization, startTestServer } from '../server.ts'
import { requireTool, testWithTools } from '../tools.ts'
import { parseTrace, pathOf, stringsOf } from './trace.ts'

testWithTools(
  ['strace'],
  'a backup and a restored folder are on disk when the command ends, each folder of content synced once',
  async () => {
    const server = await startTestServer('sqlite')
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'stower-backup-')))
    try {
      await createOrganization(server, 'group')
      for (let number = 0; number < 40; number++) await registryClient(server).pushBlob('group/app', `blob ${number}`)
      const [copy, restored] = [join(folder, 'deep', 'copy'), join(folder, 'restored')]
      await expectDurable(copy, ['backup', copy], server.dataDir, join(folder, 'trace-1'))
      await expectDurable(restored, ['restore', copy], restored, join(folder, 'trace-2'))
    } finally {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  },
  60_000,
)

/** Runs a command that makes `made`, and holds its system calls against what a power cut may take. */
async function expectDurable(made: string, words: string[], dataDir: string, log: string): Promise<void> {
  const traced = 'mkdir,mkdirat,link,linkat,rename,renameat,renameat2,fsync,fdatasync'
  const child = Bun.spawn(
    [requireTool('strace'), '-f', '-y', '-o', log, '-e', `trace=${traced}`, await sharedExecutable(), ...words],
    { env: { PATH: process.env.PATH ?? '', STOWER_DATA_DIR: dataDir }, stdout: 'ignore', stderr: 'inherit' },
  )
  expect(await child.exited).toBe(0)
  const calls = parseTrace(readFileSync(log, 'utf8')).filter(call => call.result === '0')
  const entries = calls.flatMap(call => {
    if (!/^(mkdir|link|rename)/.test(call.name)) return []
    const path = stringsOf(call).at(-1) ?? ''
    return path === made || path.startsWith(`${made}/`) ? [{ path, at: call.endedAt }] : []
  })
  const syncsOf = (path: string) => calls.filter(call => call.name === 'fsync' && pathOf(call) === path)
  const lost = entries.filter(({ path, at }) => !syncsOf(dirname(path)).some(sync => sync.begunAt > at))
  expect(lost).toEqual([])
  const contents = entries.filter(({ path }) => path.startsWith(`${made}/blobs/sha256/`) && path.includes('.'))
  expect(contents).toHaveLength(40)
  for (const shard of new Set(contents.map(({ path }) => dirname(path)))) expect(syncsOf(shard)).toHaveLength(1)
}
