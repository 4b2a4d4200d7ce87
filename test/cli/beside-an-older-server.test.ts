import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { insertAccount } from '../../src/core/accounts/queries.ts'
import { migrate } from '../../src/metadata/migrate.ts'
import { migrations, newestVersion } from '../../src/metadata/migrations/all.ts'
import { openPostgres } from '../../src/metadata/postgres/database.ts'
import { openSqlite } from '../../src/metadata/sqlite/database.ts'
import { lockFolder } from '../../src/metadata/sqlite/folder-lock.ts'
import { postgresPrograms, postgresServer } from '../postgres-server.ts'
import { stower } from './command-line.ts'

for (const engine of ['sqlite', 'postgres'] as const) {
  const isMissing = engine === 'postgres' && !postgresPrograms()
  const describeEngine = isMissing ? describe.skip : describe
  describeEngine(`commands of a newer version over ${engine}${isMissing ? ' (needs postgresql-15)' : ''}`, () => {
    let dataDir = ''
    let env: Record<string, string> = {}
    const copy = () => join(dataDir, `before-upgrade-from-schema-${newestVersion - 1}.db`)
    const open = () =>
      engine === 'sqlite'
        ? openSqlite({ file: join(dataDir, 'stower.db'), checkpoints: 'on-close' })
        : openPostgres({ url: env.STOWER_DATABASE_URL ?? '', connections: 2 })

    beforeEach(async () => {
      dataDir = mkdtempSync(join(tmpdir(), 'stower-older-'))
      const url = engine === 'postgres' ? await (await postgresServer()).createDatabase() : ''
      env = { STOWER_DATA_DIR: dataDir, ...(url !== '' && { STOWER_DATABASE_URL: url }) }
      await using db = await open()
      await migrate(db, { copyFile: copy, nowMs: 1, migrations: migrations.slice(0, -1) })
      await db.write(tx => insertAccount(tx, { id: 'a'.repeat(32), name: 'OTC', created_ms: 1 }))
    })
    afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

    test('leave the database as it is while an older server runs', async () => {
      using _server = lockFolder(dataDir)
      const { code, err } = await stower(['account', 'list'], { env })
      expect([code, err]).toEqual([1, expect.stringContaining('start it anew with this version first')])
      expect(existsSync(copy())).toBe(false)
      await using db = await open()
      let asked = 0
      const permit = () => {
        asked++
        throw new Error('it would be changed')
      }
      await expect(migrate(db, { copyFile: copy, nowMs: 1, permit })).rejects.toThrow('it would be changed')
      expect(asked).toBe(1)
    })

    test('bring it up to date where no server runs, and work beside the server that starts then', async () => {
      const { code, out, err } = await stower(['account', 'list'], { env })
      expect([code, err, out]).toEqual([0, '', expect.stringContaining('OTC')])
      expect(existsSync(copy())).toBe(true)
      using _server = lockFolder(dataDir)
      expect((await stower(['account', 'list'], { env })).code).toBe(0)
    })
  })
}
