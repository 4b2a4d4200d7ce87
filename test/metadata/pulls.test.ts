import { expect, test } from 'bun:test'
import { PullCounter } from '../../src/core/repositories/pulls/pull-counter.ts'
import { describeEngines } from '../databases.ts'

describeEngines('pull counts', (_engine, open) => {
  test('counts of more repositories than one statement takes are written, those of repositories that are gone left out', async () => {
    const { db, dispose } = await open()
    const repository = { is_public: 0, category: '', creator_id: '', creator_name: '', created_ms: 1, updated_ms: 1 }
    const gone = { ...repository, organization_id: null, deleted_ms: 1 }
    await db.write(tx =>
      tx
        .insertInto('repositories')
        .values(Array.from({ length: 600 }, (_, number) => ({ ...gone, name: `r${number}` })))
        .execute(),
    )
    const counter = new PullCounter({ db, clock: { nowMs: () => 86_400_000 }, shard: 1 })
    for (let id = 1; id <= 17_000; id++) counter.count(id)
    await counter.flush()
    counter.count(600)
    await counter[Symbol.asyncDispose]()
    const rows = await db.read.selectFrom('pulls').select(['repository_id', 'pulls']).orderBy('repository_id').execute()
    expect(rows).toHaveLength(600)
    expect(rows.at(-1)).toEqual({ repository_id: 600, pulls: 2 })
    await dispose()
  })
})
