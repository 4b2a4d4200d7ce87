import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { backUp, restore } from '../../src/app/backup.ts'
import { collectGarbage } from '../../src/app/garbage.ts'
import { loadConfig } from '../../src/config.ts'
import { registryClient, sha256 } from '../oci/registry-client.ts'
import { postgresPrograms } from '../postgres-server.ts'
import { createOrganization, startTestServer } from '../server.ts'

const scratch = mkdtempSync(join(tmpdir(), 'stower-swept-backup-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

for (const engine of ['sqlite', 'postgres'] as const) {
  const isMissing = engine === 'postgres' && !postgresPrograms()
  const describeEngine = isMissing ? describe.skip : describe
  describeEngine(`a backup beside sweeps over ${engine}${isMissing ? ' (needs postgresql-15)' : ''}`, () => {
    test('has what was deleted and swept while it was copied, and the sweep removes it afterwards', async () => {
      const server = await startTestServer(engine)
      const configOf = (dataDir: string, more: Record<string, string> = {}) => {
        const env = { STOWER_DATA_DIR: dataDir, ...more }
        const loaded = loadConfig({ flags: [], env, cwd: scratch })
        if (loaded.kind === 'problems') throw new Error(loaded.problems.join('\n'))
        return loaded.config
      }
      const config = configOf(server.dataDir, server.databaseEnv)
      await createOrganization(server, 'group')
      const client = registryClient(server)
      const { digest } = await client.pushImage('group/app', 'v1')
      const again = await client.pushImage('group/other', 'v1', ['layer one'])
      const folder = join(scratch, `backup-${engine}`)
      const betweenCopies = async () => {
        expect((await client.request('DELETE', `/v2/group/app/manifests/${digest}`)).status).toBe(202)
        expect((await client.request('DELETE', `/v2/group/other/manifests/${again.digest}`)).status).toBe(202)
        const held = await collectGarbage(config, { graceMs: 0 })
        expect([held.removed.link.objects, held.removed.blob.objects, held.left]).toEqual([5, 0, 3])
        // What was condemned and comes back takes another place; the one that the backup knows must stay.
        await client.pushImage('group/app', 'v2', ['layer one'])
        const heldAgain = await collectGarbage(config, { graceMs: 0 })
        expect([heldAgain.removed.stray.objects, heldAgain.left]).toEqual([0, 3])
      }
      const { blobs, lost } = await backUp(config, folder, { betweenCopies })
      expect([blobs, lost]).toEqual([3, 0])
      const after = await collectGarbage(config, { graceMs: 0 })
      expect([after.removed.blob.objects, after.removed.stray.objects, after.left]).toEqual([1, 2, 0])
      expect((await client.request('GET', `/v2/group/app/blobs/${sha256('layer one')}`)).status).toBe(200)
      await server.stop()

      const restored = join(scratch, `restored-${engine}`)
      await restore(configOf(restored), folder)
      const copy = await startTestServer('sqlite', { STOWER_DATA_DIR: restored })
      const restoredClient = registryClient({ url: copy.url, basic: server.basic })
      expect((await restoredClient.request('GET', '/v2/group/app/manifests/v1')).status).toBe(200)
      for (const layer of ['layer one', 'layer two']) {
        const answer = await restoredClient.request('GET', `/v2/group/app/blobs/${sha256(layer)}`)
        expect(await answer.text()).toBe(layer)
      }
      await copy.stop()
    })
  })
}
