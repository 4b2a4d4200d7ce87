import { expect, test } from 'bun:test'
import { addToTotal, foldTotals, readTotals } from '../../src/core/totals.ts'
import { describeEngines } from '../databases.ts'

describeEngines('totals', (engine, open) => {
  test('two processes that fold at once count no delta twice', async () => {
    const { db, dispose } = await open()
    const owner = 'repository:1' as const
    await db.write(async tx => {
      for (let number = 0; number < 10; number++) await addToTotal(tx, owner, 'tags', 1)
    })
    const folded = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    const first = db.write(async tx => {
      const count = await foldTotals(tx, 100)
      folded.resolve()
      // SQLite has one writer: the second one begins when this one ends.
      if (engine === 'postgres') await gate.promise
      return count
    })
    await folded.promise
    const second = db.write(async tx => {
      // Lets the first one go only when this one's snapshot can't have seen its commit.
      const folding = foldTotals(tx, 100)
      setTimeout(gate.resolve, 200)
      return folding
    })
    expect((await first) + (await second)).toBe(10)
    expect((await readTotals(db.read, [owner]))(owner, 'tags')).toBe(10)
    expect(await db.read.selectFrom('total_deltas').selectAll().execute()).toEqual([])
    await dispose()
  })
})
