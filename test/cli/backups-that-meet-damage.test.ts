import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sharedExecutable } from '../build/executable.ts'
import { registryClient, sha256 } from '../oci/registry-client.ts'
import { postgresPrograms } from '../postgres-server.ts'
import { createOrganization, startTestServer, type TestServer } from '../server.ts'
import { requireTool, testWithTools } from '../tools.ts'
import { stower } from './command-line.ts'

for (const engine of ['sqlite', 'postgres'] as const) {
  const isMissing = engine === 'postgres' && !postgresPrograms()
  const describeEngine = isMissing ? describe.skip : describe
  describeEngine(`backups that meet damage, over ${engine}${isMissing ? ' (needs postgresql-15)' : ''}`, () => {
    let server: TestServer
    let env: Record<string, string>
    const scratch = mkdtempSync(join(tmpdir(), 'stower-backups-'))

    beforeAll(async () => {
      server = await startTestServer(engine)
      env = { STOWER_DATA_DIR: server.dataDir, ...server.databaseEnv }
      await createOrganization(server, 'group')
      await registryClient(server).pushImage('group/app', 'v1', ['layer one', 'layer two', 'layer three'])
    })
    afterAll(async () => {
      await server.stop()
      rmSync(scratch, { recursive: true, force: true })
    })

    const fileOf = (digest: string) => {
      const folder = join(server.dataDir, 'blobs', 'sha256', digest.slice(7, 9))
      return join(folder, readdirSync(folder).find(name => name.startsWith(digest.slice(7))) ?? '')
    }

    const places: [string, (path: string) => string, string][] = [
      ['in the place of a file', path => path, 'is not a folder'],
      ['below a file', path => join(path, 'deeper'), 'is not a folder'],
    ]
    test.each(places)('a folder %s is refused by its name', async (place, folderOf, reason) => {
      const file = join(scratch, `file ${place}`)
      writeFileSync(file, 'mine')
      const { code, err } = await stower(['backup', folderOf(file)], { env })
      expect([code, err]).toEqual([1, expect.stringContaining(`stower: the folder ${folderOf(file)} ${reason}`)])
    })

    for (const sizeKib of [64, 1024]) {
      testWithTools(
        ['unshare'],
        `a disk of ${sizeKib} KiB is told to be full, and taken again when it has room`,
        async () => {
          await registryClient(server).pushBlob('group/app', new Uint8Array(2 << 20))
          const target = join(scratch, `disk-${sizeKib}`)
          mkdirSync(target)
          const ownMount = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
          const backup = `'${await sharedExecutable()}' backup '${target}/copy'`
          const script = `
            mount -t tmpfs -o size=${sizeKib}k,mode=700 tmpfs '${target}' || exit 99
            ${backup}; echo "code $? with $(find '${target}/copy' -mindepth 1 | wc -l) left"
            mount -o remount,size=64m '${target}' || exit 98
            exec ${backup}`
          const child = Bun.spawn([requireTool('unshare'), '--mount', ...ownMount, 'sh', '-c', script], {
            env: { PATH: process.env.PATH ?? '', ...env },
            stdout: 'pipe',
            stderr: 'pipe',
          })
          const out = await new Response(child.stdout).text()
          const err = await new Response(child.stderr).text()
          expect([await child.exited, out]).toEqual([0, expect.stringContaining('blobs and the database are in')])
          expect(out).toStartWith('code 1 with 0 left\n')
          expect(err).toMatch(/^stower: (there is no room for|the folder) \S*\/copy/)
        },
        20_000,
      )
    }

    test('blobs without their bytes are named, everything else is in it, and so it is when it is restored', async () => {
      const [lost, cut] = [sha256('layer one'), sha256('layer two')]
      rmSync(fileOf(lost))
      truncateSync(fileOf(cut), 3)
      const folder = join(scratch, 'backup')
      const expectOutcome = ({ code, err }: { code: number; err: string }) => {
        const lines = err.split('\n')
        expect(lines.slice(0, 2).sort()).toEqual([`lost: ${cut}`, `lost: ${lost}`].sort())
        expect([code, lines[2]]).toEqual([
          1,
          expect.stringMatching(/^stower: 2 blobs lost their bytes and are not in it/),
        ])
      }
      expectOutcome(await stower(['backup', folder], { env }))
      const target = join(scratch, 'restored')
      expectOutcome(await stower(['restore', folder], { env: { STOWER_DATA_DIR: target } }))
      const copy = await startTestServer('sqlite', { STOWER_DATA_DIR: target })
      const client = registryClient({ url: copy.url, basic: server.basic })
      expect(await (await client.request('GET', `/v2/group/app/blobs/${sha256('layer three')}`)).text()).toBe(
        'layer three',
      )
      expect((await client.request('GET', '/v2/group/app/manifests/v1')).status).toBe(200)
      expect((await client.request('HEAD', `/v2/group/app/blobs/${lost}`)).status).toBe(404)
      await client.pushBlob('group/app', 'layer one')
      expect((await client.request('HEAD', `/v2/group/app/blobs/${lost}`)).status).toBe(200)
      await copy.stop()
    })
  })
}
