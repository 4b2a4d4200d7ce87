import { afterAll, beforeAll, expect, test } from 'bun:test'
import { describeEngines, type TestDatabase } from '../databases.ts'

describeEngines('metadata database', (_engine, open) => {
  let opened: TestDatabase
  beforeAll(async () => {
    opened = await open()
  })
  afterAll(() => opened.dispose())

  test('write makes all of its changes or none', async () => {
    const { db } = opened
    const boom = new Error('boom')
    const failing = db.write(async tx => {
      await tx.insertInto('settings').values({ key: 'half', value: '1' }).execute()
      throw boom
    })
    expect(failing).rejects.toBe(boom)
    await failing.catch(() => {})
    expect(await db.read.selectFrom('settings').selectAll().where('key', '=', 'half').execute()).toEqual([])
  })

  test('a failing body leaves the bodies that share its commit alone', async () => {
    const { db } = opened
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, (_, number) =>
        db.write(async tx => {
          await tx
            .insertInto('settings')
            .values({ key: `many-${number}`, value: 'x' })
            .execute()
          if (number % 4 === 0) throw new Error(`body ${number}`)
        }),
      ),
    )
    expect(results.filter(result => result.status === 'rejected')).toHaveLength(10)
    const kept = await db.read
      .selectFrom('settings')
      .select('key')
      .where('key', '>=', 'many-')
      .where('key', '<', 'many.')
      .execute()
    expect(kept).toHaveLength(30)
  })

  test('names compare byte for byte', async () => {
    const { db } = opened
    await db.write(async tx => {
      for (const key of ['b_', 'B_', 'b%', 'bé', 'b-']) {
        await tx.insertInto('settings').values({ key, value: '' }).execute()
      }
    })
    const rows = await db.read.selectFrom('settings').select('key').where('key', 'like', 'b_').orderBy('key').execute()
    expect(rows.length).toBeGreaterThan(0)
    const sorted = await db.read
      .selectFrom('settings')
      .select('key')
      .where('key', 'in', ['b_', 'B_', 'b%', 'bé', 'b-'])
      .orderBy('key')
      .execute()
    expect(sorted.map(row => row.key)).toEqual(['B_', 'b%', 'b-', 'b_', 'bé'])
  })

  test('prepared queries bind numbered parameters', async () => {
    const { db } = opened
    const query = db.prepare<{ sum: number }>('test-sum', 'select cast($2 as bigint) - cast($1 as bigint) as sum')
    expect(await query([2, 44])).toEqual([{ sum: 42 }])
  })

  test('ids are numbers and are not used again', async () => {
    const { db } = opened
    const insert = () =>
      db.write(tx =>
        tx
          .insertInto('total_deltas')
          .values({ owner: 'o', metric: 'm', delta: 1 })
          .returning('id')
          .executeTakeFirstOrThrow(),
      )
    const first = await insert()
    await db.write(tx => tx.deleteFrom('total_deltas').where('id', '=', first.id).execute())
    const second = await insert()
    expect(typeof second.id).toBe('number')
    expect(second.id).toBeGreaterThan(first.id)
  })

  test('nothing but write can change anything', async () => {
    const { db } = opened
    const change = db.read.insertInto('settings').values({ key: 'past-write', value: '' }).execute()
    expect(
      await change.then(
        () => 'changed',
        error => String(error),
      ),
    ).toMatch(/readonly|read-only/)
  })

  test('bodies that lock each other out run again until each has had its turn', async () => {
    const { db } = opened
    await db.write(tx =>
      tx
        .insertInto('totals')
        .values(['a', 'b'].map(owner => ({ owner, metric: 'turns', value: 0 })))
        .execute(),
    )
    let runs = 0
    const add = (owners: readonly string[]) =>
      db.write(async tx => {
        runs++
        for (const owner of owners) {
          await tx
            .updateTable('totals')
            .set(eb => ({ value: eb('value', '+', 1) }))
            .where('owner', '=', owner)
            .where('metric', '=', 'turns')
            .execute()
        }
      })
    await Promise.all(Array.from({ length: 2 }, (_, turn) => add(turn % 2 === 0 ? ['a', 'b'] : ['b', 'a'])))
    const rows = await db.read.selectFrom('totals').select('value').where('metric', '=', 'turns').execute()
    expect(rows.map(row => row.value)).toEqual([2, 2])
    expect(runs).toBeGreaterThanOrEqual(2)
  })
})
