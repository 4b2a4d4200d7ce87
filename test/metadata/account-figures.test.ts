import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { readTotals } from '../../src/core/totals.ts'
import { migrate } from '../../src/metadata/migrate.ts'
import { migrations } from '../../src/metadata/migrations/all.ts'
import { openPostgres } from '../../src/metadata/postgres/database.ts'
import { openSqlite } from '../../src/metadata/sqlite/database.ts'
import { postgresPrograms, postgresServer } from '../postgres-server.ts'

const digest = (number: number) => new Uint8Array([1, ...Array(32).fill(number)])
const account = 'a'.repeat(32)

for (const engine of ['sqlite', 'postgres'] as const) {
  const testEngine = engine === 'sqlite' || postgresPrograms() ? test : test.skip
  const need = engine === 'postgres' ? ' (needs postgresql-15)' : ''
  testEngine(`what an older schema holds is counted on ${engine}${need}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stower-figures-'))
    try {
      await using db =
        engine === 'postgres'
          ? await openPostgres({ url: await (await postgresServer()).createDatabase(), connections: 3 })
          : await openSqlite({ file: join(folder, 'stower.db'), checkpoints: 'on-close' })
      const copyFile = (from: number) => join(folder, `copy-${from}.db`)
      await migrate(db, { copyFile, nowMs: 1, migrations: migrations.filter(({ version }) => version < 6) })
      await db.write(async tx => {
        const run = (statement: ReturnType<typeof sql>) => statement.execute(tx)
        await run(sql`insert into accounts (id, name, created_ms) values (${account}, 'OTC', 0)`)
        await run(sql`insert into organizations (id, account_id, name, creator_id, creator_name, created_ms)
          values (1, ${account}, 'group', '', '', 0)`)
        // Two that live, and one that is to be purged.
        await run(sql`insert into repositories (id, organization_id, name, is_public, category, creator_id, creator_name,
          created_ms, updated_ms, deleted_ms) values (1, 1, 'app', 0, '', '', '', 0, 0, null),
          (2, 1, 'other', 0, '', '', '', 0, 0, null), (3, null, 'gone', 0, '', '', '', 0, 0, 1)`)
        const payload = JSON.stringify({ accountId: account, organizationId: 1 })
        await run(sql`insert into jobs (kind, subject, payload, run_at_ms, attempts, lease_until_ms, created_ms)
          values ('repository.purge', '3', ${payload}, 0, 0, 0, 0)`)
        for (const [number, size] of [
          [1, 10],
          [2, 200],
          [3, 3000],
        ] as const) {
          await run(sql`insert into blobs (digest, size_bytes, location, state, created_ms)
            values (${digest(number)}, ${size}, ${`at ${number}`}, 'present', 0)`)
        }
        for (const [repository, number] of [
          [1, 1],
          [2, 1],
          [2, 2],
          [3, 3],
        ] as const) {
          await run(
            sql`insert into blob_links (repository_id, digest, created_ms) values (${repository}, ${digest(number)}, 0)`,
          )
        }
        await run(sql`insert into manifest_bodies (digest, body) values (${digest(9)}, ${digest(9)})`)
        await run(sql`insert into manifests (repository_id, digest, media_type, size_bytes, content_bytes, pusher_id, pushed_ms)
          values (1, ${digest(9)}, 'x', 1, 0, '', 0)`)
        await run(sql`insert into tags (repository_id, name, digest, created_ms, updated_ms)
          values (1, 'v1', ${digest(9)}, 0, 0), (1, 'v2', ${digest(9)}, 0, 0)`)
        await run(sql`insert into pulls (day, repository_id, shard, pulls) values (1, 1, 0, 4), (2, 1, 3, 5)`)
      })
      await migrate(db, { copyFile, nowMs: 1 })
      const totals = await readTotals(db.read, [`account:${account}`, 'repository:1', 'repository:2'])
      expect(totals(`account:${account}`, 'bytes')).toBe(3210)
      expect(totals(`account:${account}`, 'tags')).toBe(2)
      expect([totals('repository:1', 'pulls'), totals('repository:2', 'pulls')]).toEqual([9, 0])
      const repositories = await db.read.selectFrom('repositories').select('account_id').execute()
      expect(repositories.map(row => row.account_id)).toEqual([account, account, account])
      const blobs = await db.read.selectFrom('account_blobs').select('links').orderBy('digest').execute()
      expect(blobs.map(row => row.links)).toEqual([2, 1, 1])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}
