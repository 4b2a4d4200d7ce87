import { expect, test } from 'bun:test'
import { sql } from 'kysely'
import { digestToBytes } from '../../src/protocol/oci/digest.ts'
import { openCoreRegistry } from '../core-registry.ts'
import { describeEngines } from '../databases.ts'

const many = 100_000

describeEngines('tags of one digest', (_engine, open) => {
  test(`${many} go with it at once, each with its history and its event, and in little time`, async () => {
    await using database = { ...(await open()), [Symbol.asyncDispose]: () => database.dispose() }
    const { db } = database
    const registry = await openCoreRegistry(db)
    const layer = await registry.push('app', 'layer')
    const digest = await registry.pushImage('app', 'kept', [layer])
    const other = await registry.pushImage('app', 'other', [layer])
    const row = { repository_id: await registry.idOf('app'), digest: digestToBytes(digest) }
    await db.write(tx =>
      sql`insert into tags (repository_id, name, digest, created_ms, updated_ms)
        with recursive numbers(number) as (select 1 union all select number + 1 from numbers where number < ${sql.lit(many - 1)})
        select ${sql.lit(row.repository_id)}, 'tag-' || number, ${row.digest}, 1, 1 from numbers`.execute(tx),
    )
    const rowsOfHistory = async () => {
      const count = db.read.selectFrom('tag_history').select(eb => eb.fn.countAll<number>().as('rows'))
      return Number((await count.executeTakeFirstOrThrow()).rows)
    }
    const rowsBefore = await rowsOfHistory()
    const before = process.cpuUsage()
    await registry.deleteManifest('app', digest)
    const { user, system } = process.cpuUsage(before)
    // What this process does of it, it does in one go; in JavaScript, row by row, it would take several times as long.
    expect((user + system) / 1000).toBeLessThan(1_800)

    expect(await db.read.selectFrom('tags').select(['name', 'digest']).execute()).toEqual([
      { name: 'other', digest: digestToBytes(other) },
    ])
    expect((await rowsOfHistory()) - rowsBefore).toBe(many)
    const { caller, origin } = registry.by
    const actor = { actor_id: caller.kind === 'user' ? caller.userId : '', actor_name: 'admin' }
    const at_ms = registry.time.nowMs
    expect(
      await db.read
        .selectFrom('tag_history')
        .select(['repository_id', 'digest_before', 'digest_after', 'actor_id', 'actor_name', 'at_ms'])
        .where('tag', '=', 'tag-77')
        .execute(),
    ).toEqual([{ ...actor, at_ms, repository_id: row.repository_id, digest_before: row.digest, digest_after: null }])
    const events = await db.read.selectFrom('events').selectAll().where('kind', '=', 'tag.deleted').execute()
    expect(events.length).toBe(many)
    const one = events.find(({ detail }) => JSON.parse(detail).tag === 'tag-77')
    const { id: organization } = await db.read.selectFrom('organizations').select('id').executeTakeFirstOrThrow()
    expect(one).toEqual({
      ...{ ...actor, at_ms, id: expect.any(Number), kind: 'tag.deleted', account_id: 'a'.repeat(32) },
      ...{ organization_id: organization, repository_id: row.repository_id },
      ...{ source_address: origin.sourceAddress, request_id: origin.requestId },
      ...{ digest_before: row.digest, digest_after: null, detail: '{"repository":"group/app","tag":"tag-77"}' },
    })
  }, 60_000)

  test('one that is pushed again is newer, and has not moved', async () => {
    await using database = { ...(await open()), [Symbol.asyncDispose]: () => database.dispose() }
    const { db } = database
    const registry = await openCoreRegistry(db)
    const layer = await registry.push('app', 'layer')
    await registry.pushImage('app', 'v1', [layer])
    const firstMs = registry.time.nowMs
    registry.passMs(60_000)
    await registry.pushImage('app', 'v1', [layer])
    expect(await db.read.selectFrom('tags').select(['created_ms', 'updated_ms']).execute()).toEqual([
      { created_ms: firstMs, updated_ms: firstMs + 60_000 },
    ])
    expect(await db.read.selectFrom('tag_history').select('at_ms').execute()).toEqual([{ at_ms: firstMs }])
    const kinds = ['manifest.pushed', 'tag.moved']
    expect(
      await db.read.selectFrom('events').select(['kind', 'at_ms']).where('kind', 'in', kinds).orderBy('id').execute(),
    ).toEqual([
      { kind: 'manifest.pushed', at_ms: firstMs },
      { kind: 'tag.moved', at_ms: firstMs },
      { kind: 'manifest.pushed', at_ms: firstMs + 60_000 },
    ])
  })
})
