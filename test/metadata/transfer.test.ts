import { Database as Connection } from 'bun:sqlite'
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PoolClient } from 'pg'
import type { Database } from '../../src/metadata/database.ts'
import { PostgresDatabase } from '../../src/metadata/postgres/database.ts'
import { copyFromPostgres, copyIntoPostgres } from '../../src/metadata/transfer.ts'
import { describeEngines, openPostgresForTest, openSqliteForTest, type TestDatabase } from '../databases.ts'
import { postgresPrograms } from '../postgres-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'stower-transfer-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function fill({ db }: TestDatabase): Promise<void> {
  await db.write(async tx => {
    await tx
      .insertInto('accounts')
      .values({ id: 'a'.repeat(32), name: 'OTC', created_ms: 1 })
      .execute()
    for (let number = 0; number < 1203; number++) {
      await tx
        .insertInto('total_deltas')
        .values({ owner: `o${number}`, metric: 'm', delta: number })
        .execute()
    }
    await tx
      .insertInto('manifest_bodies')
      .values({ digest: new Uint8Array([1, 2, 3]), body: new Uint8Array([0, 255, 10]) })
      .execute()
    const account = { account_id: 'a'.repeat(32) }
    await tx
      .insertInto('account_blobs')
      .values({ ...account, digest: new Uint8Array([1, 2, 3]), links: 2 })
      .execute()
    await tx
      .insertInto('account_days')
      .values({ ...account, kind: 'downflow', day: 20_000, shard: 3, bytes: 2 ** 40 })
      .execute()
  })
  await db.write(tx => tx.deleteFrom('total_deltas').where('delta', '=', 1202).execute())
}

function rowsOf(file: string): Record<string, unknown> {
  const copy = new Connection(file, { readonly: true })
  const tables = copy
    .query(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'schema_versions'`)
    .all() as { name: string }[]
  const rows = Object.fromEntries(
    tables.map(({ name }) => [name, copy.query(`SELECT * FROM ${name} ORDER BY 1`).all()]),
  )
  copy.close()
  return rows
}

describeEngines('a copy of the metadata', (engine, open) => {
  test('holds every row, and the ids that must not be used again', async () => {
    const opened = await open()
    await fill(opened)
    const file = join(folder, `${engine}.db`)
    await opened.db.copyTo(file)
    const rows = rowsOf(file)
    expect(rows.total_deltas).toHaveLength(1202)
    expect(rows.sqlite_sequence).toContainEqual({ name: 'total_deltas', seq: 1203 })
    expect(rows.account_blobs).toEqual([{ account_id: 'a'.repeat(32), digest: new Uint8Array([1, 2, 3]), links: 2 }])
    expect(rows.manifest_bodies).toEqual([{ digest: new Uint8Array([1, 2, 3]), body: new Uint8Array([0, 255, 10]) }])
    await opened.dispose()
  })

  const testPostgres = postgresPrograms() ? test : test.skip
  testPostgres('can be brought into PostgreSQL and out again unchanged (needs postgresql-15)', async () => {
    const source = await open()
    await fill(source)
    const before = join(folder, `${engine}-before.db`)
    await source.db.copyTo(before)
    const target = await openPostgresForTest()
    const { db } = target
    if (!('withClient' in db)) throw new Error('not PostgreSQL')
    const withClient = db.withClient as (
      work: (client: Parameters<typeof copyIntoPostgres>[0]) => Promise<void>,
    ) => Promise<void>
    await withClient.call(db, client => copyIntoPostgres(client, before))
    const after = join(folder, `${engine}-after.db`)
    await db.copyTo(after)
    expect(rowsOf(after)).toEqual(rowsOf(before))
    await expect(withClient.call(db, client => copyIntoPostgres(client, before))).rejects.toThrow('not empty')
    await source.dispose()
    await target.dispose()
  })
})

const testPostgres = postgresPrograms() ? test : test.skip
testPostgres(
  'of large manifests a few are held at a time, out of PostgreSQL and into it (needs postgresql-15)',
  async () => {
    const source = await openPostgresForTest()
    const body = new Uint8Array(1024 * 1024)
    for (let number = 0; number < 40; number++) {
      const digest = new Uint8Array([1, number])
      await source.db.write(tx => tx.insertInto('manifest_bodies').values({ digest, body }).execute())
    }
    const file = join(folder, 'large.db')
    await openSqliteForTest().then(async ({ db, dispose }) => {
      await db.copyTo(file)
      await dispose()
    })
    expect(await mostAtOnce(source.db, client => copyFromPostgres(client, file))).toBeWithin(
      body.length,
      9 * body.length,
    )
    const copied = new Connection(file, { readonly: true })
    expect(copied.query('SELECT count(*) AS bodies FROM manifest_bodies').get()).toEqual({ bodies: 40 })
    copied.close()
    const target = await openPostgresForTest()
    expect(await mostAtOnce(target.db, client => copyIntoPostgres(client, file))).toBeWithin(
      body.length,
      9 * body.length,
    )
    expect(await target.db.read.selectFrom('manifest_bodies').select('digest').execute()).toHaveLength(40)
    await source.dispose()
    await target.dispose()
  },
)

/** The most bytes that went to PostgreSQL, or came from it, with one query. */
async function mostAtOnce(db: Database, work: (client: PoolClient) => Promise<void>): Promise<number> {
  if (!(db instanceof PostgresDatabase)) throw new Error('not PostgreSQL')
  let most = 0
  const note = (values: readonly unknown[]) => {
    const bytes = values.reduce<number>((sum, value) => sum + (value instanceof Uint8Array ? value.byteLength : 0), 0)
    most = Math.max(most, bytes)
  }
  await db.withClient(async client => {
    const query = client.query.bind(client) as (text: string, values?: unknown[]) => Promise<{ rows: object[] }>
    const noting = async (text: string, values: unknown[] = []) => {
      const answer = await query(text, values)
      note(values)
      note(answer.rows.flatMap(row => Object.values(row)))
      return answer
    }
    await work(Object.assign(Object.create(client), { query: noting }) as PoolClient)
  })
  return most
}
