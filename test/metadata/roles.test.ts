import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { migrate } from '../../src/metadata/migrate.ts'
import { rolesOfUsers } from '../../src/metadata/migrations/007-roles.ts'
import { migrations } from '../../src/metadata/migrations/all.ts'
import { openPostgres } from '../../src/metadata/postgres/database.ts'
import { openSqlite } from '../../src/metadata/sqlite/database.ts'
import { postgresPrograms, postgresServer } from '../postgres-server.ts'

for (const engine of ['sqlite', 'postgres'] as const) {
  const testEngine = engine === 'sqlite' || postgresPrograms() ? test : test.skip
  const need = engine === 'postgres' ? ' (needs postgresql-15)' : ''
  testEngine(`users of an older schema get the role that does what they could do on ${engine}${need}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stower-roles-'))
    try {
      await using db =
        engine === 'postgres'
          ? await openPostgres({ url: await (await postgresServer()).createDatabase(), connections: 3 })
          : await openSqlite({ file: join(folder, 'stower.db'), checkpoints: 'on-close' })
      const copyFile = (from: number) => join(folder, `copy-${from}.db`)
      const older = migrations.filter(({ version }) => version < rolesOfUsers.version)
      await migrate(db, { copyFile, nowMs: 1, migrations: older })
      await db.write(async tx => {
        await tx.insertInto('accounts').values({ id: 'a', name: 'OTC', created_ms: 0 }).execute()
        await sql`insert into users (id, account_id, name, password_hash, is_administrator, is_enabled, epoch, created_ms)
          values ('1', 'a', 'admin', '', 1, 1, 1, 7), ('2', 'a', 'ci', '', 0, 1, 1, 8)`.execute(tx)
      })
      await migrate(db, { copyFile, nowMs: 1 })
      expect(await db.read.selectFrom('users').select(['name', 'role']).orderBy('id').execute()).toEqual([
        { name: 'admin', role: 'te_admin' },
        { name: 'ci', role: 'SWR OperateAccess' },
      ])
      expect(await db.read.selectFrom('user_roles').selectAll().orderBy('user_id').execute()).toEqual([
        { user_id: '1', role: 'te_admin', project_id: '', created_ms: 7 },
        { user_id: '2', role: 'SWR OperateAccess', project_id: '', created_ms: 8 },
      ])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}
