import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { migrate } from '../../src/metadata/migrate.ts'
import { migrations } from '../../src/metadata/migrations/all.ts'
import { openPostgres } from '../../src/metadata/postgres/database.ts'
import { openSqlite } from '../../src/metadata/sqlite/database.ts'
import { postgresPrograms, postgresServer } from '../postgres-server.ts'

const digest = (number: number) => new Uint8Array([1, ...Array(32).fill(number)])

for (const engine of ['sqlite', 'postgres'] as const) {
  const testEngine = engine === 'sqlite' || postgresPrograms() ? test : test.skip
  const need = engine === 'postgres' ? ' (needs postgresql-15)' : ''
  testEngine(`indexes of an older schema are measured on ${engine}${need}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stower-shape-'))
    try {
      await using db =
        engine === 'postgres'
          ? await openPostgres({ url: await (await postgresServer()).createDatabase(), connections: 3 })
          : await openSqlite({ file: join(folder, 'stower.db'), checkpoints: 'on-close' })
      const copyFile = (from: number) => join(folder, `copy-${from}.db`)
      await migrate(db, { copyFile, nowMs: 1, migrations: migrations.filter(({ version }) => version < 4) })
      // An image 1 in the index 2, both in the index 3, which names it twice; 4 names what is missing.
      const edges = [
        [2, 1],
        [3, 2],
        [3, 2],
        [3, 1],
        [4, 9],
      ] as const
      await db.write(async tx => {
        const repository = {
          ...{ organization_id: null, name: 'r', is_public: 0, category: '', creator_id: '', creator_name: '' },
          ...{ created_ms: 0, updated_ms: 0, deleted_ms: 1, id: 1 },
        }
        await tx.insertInto('repositories').values(repository).execute()
        for (const number of [1, 2, 3, 4]) {
          await tx
            .insertInto('manifest_bodies')
            .values({ digest: digest(number), body: digest(0) })
            .execute()
          await sql`insert into manifests (repository_id, digest, media_type, size_bytes, content_bytes, pusher_id, pushed_ms)
            values (1, ${digest(number)}, 'x', 1, 0, '', 0)`.execute(tx)
        }
        for (const [position, [from, to]] of edges.entries()) {
          await tx
            .insertInto('manifest_children')
            .values({ repository_id: 1, manifest_digest: digest(from), position, child_digest: digest(to) })
            .execute()
        }
      })
      await migrate(db, { copyFile, nowMs: 1 })
      const rows = await db.read
        .selectFrom('manifests')
        .select(['index_depth', 'index_reach'])
        .orderBy('digest')
        .execute()
      expect(rows.map(row => [row.index_depth, row.index_reach])).toEqual([
        [0, 0],
        [1, 1],
        [2, 5],
        [1, 1],
      ])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}
