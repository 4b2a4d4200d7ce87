import { afterAll, beforeAll, expect, test } from 'bun:test'
import { heldContent } from '../../src/core/manifests/queries.ts'
import { holdTags } from '../../src/core/tags/queries.ts'
import type { Transaction } from '../../src/metadata/database.ts'
import { filledUp, inPieces, insertion, perShape, statement } from '../../src/metadata/statement.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'

describeEngines('statements', (_engine, open) => {
  let opened: TestDatabase
  beforeAll(async () => {
    opened = await open()
  })
  afterAll(() => opened.dispose())

  test('one is built once and bound at every use, a value as often as it stands there', async () => {
    const { db } = opened
    let built = 0
    const upsert = statement((reader, setting: { key: string; value: string }) => {
      built++
      return reader
        .insertInto('settings')
        .values({ key: setting.key, value: setting.value })
        .onConflict(conflict => conflict.column('key').doUpdateSet({ value: setting.value }))
        .returning('value')
    })
    const set = (key: string, value: string) => db.write(tx => upsert.first(tx, { key, value }))
    expect(await set('a', 'one')).toEqual({ value: 'one' })
    expect(await set('b', 'two')).toEqual({ value: 'two' })
    expect(await set('a', 'three')).toEqual({ value: 'three' })
    expect(built).toBe(1)
    const found = statement((reader, { after }: { after: string }) =>
      reader.selectFrom('settings').selectAll().where('key', '>=', after).where('key', '<', 'c').orderBy('key'),
    )
    expect(await found.all(db.read, { after: 'a' })).toEqual([
      { key: 'a', value: 'three' },
      { key: 'b', value: 'two' },
    ])
  })

  test('a change tells how many rows it touched, and is undone with its transaction', async () => {
    const { db } = opened
    const insert = insertion('settings', ['key', 'value'])
    const rename = statement((tx, { from, to }: { from: string; to: string }) =>
      tx.updateTable('settings').set({ value: to }).where('value', '=', from),
    )
    await db.write(tx =>
      insert(
        tx,
        [1, 2, 3].map(number => ({ key: `n${number}`, value: 'old' })),
      ),
    )
    const failing = db.write(async tx => {
      expect(await rename.change(tx, { from: 'old', to: 'new' })).toBe(3)
      throw new Error('on purpose')
    })
    await expect(failing).rejects.toThrow('on purpose')
    expect(await db.write(tx => rename.change(tx, { from: 'old', to: 'new' }))).toBe(3)
    expect(await db.write(tx => rename.change(tx, { from: 'old', to: 'new' }))).toBe(0)
  })

  test.each([0, 1, 2, 127, 128, 129, 200, 450])('%i rows are added, each with its own values', async count => {
    const { db } = opened
    const insert = insertion('total_deltas', ['owner', 'metric', 'delta'])
    const rows = Array.from({ length: count }, (_, number) => ({
      owner: `many ${count}`,
      metric: `m${number}`,
      delta: number,
    }))
    await db.write(tx => insert(tx, rows))
    const found = await db.read
      .selectFrom('total_deltas')
      .select(['owner', 'metric', 'delta'])
      .where('owner', '=', `many ${count}`)
      .orderBy('id')
      .execute()
    expect(found).toEqual(rows)
  })

  test('whatever number of values comes, few numbers of them are made a statement of', async () => {
    const numbers = Array.from({ length: 513 }, (_, number) => number)
    const [filled, pieces] = [new Set<number>(), new Set<number>()]
    for (const count of numbers) {
      const values = numbers.slice(0, count)
      const full = filledUp(values)
      expect([...new Set(full)]).toEqual(values)
      filled.add(full.length)
      expect([...inPieces(values, 128)].flat()).toEqual(values)
      for (const piece of inPieces(values, 128)) pieces.add(piece.length)
    }
    expect([...filled]).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
    expect([...pieces].sort((a, b) => a - b)).toEqual([
      ...Array.from({ length: 16 }, (_, index) => index + 1),
      32,
      64,
      128,
    ])
  })

  test('pushes of all sizes leave some ten statements of each kind', async () => {
    const { db } = opened
    const texts = new Set<string>()
    const noting: Transaction = db.read.withPlugin({
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => result,
    })
    // What comes here an engine compiles, and keeps.
    const executor = noting.getExecutor()
    const run = executor.executeQuery.bind(executor)
    executor.executeQuery = (query, ...rest) => {
      texts.add(query.sql)
      return run(query, ...rest)
    }
    for (let count = 1; count <= 300; count++) {
      const blobs = Array.from({ length: count }, (_, number) => new Uint8Array([1, number >> 8, number]))
      await heldContent(noting, 1, { blobs, manifests: blobs })
      await holdTags(noting, 'sqlite', { repositoryId: 1, tags: blobs.map(blob => blob.toHex()) })
    }
    expect(texts.size).toBe(30)
  })

  test('null and bytes are bound as they are', async () => {
    const { db } = opened
    const insert = insertion('manifest_bodies', ['digest', 'body'])
    const digest = new Uint8Array([1, 0, 255])
    await db.write(tx => insert(tx, [{ digest, body: new Uint8Array() }]))
    const bodies = perShape((count: number) =>
      statement((reader, values: { [index: number]: Uint8Array }) =>
        reader
          .selectFrom('manifest_bodies')
          .select('body')
          .where(
            'digest',
            'in',
            Array.from({ length: count }, (_, index) => values[index] as Uint8Array),
          ),
      ),
    )
    expect(await bodies(2).all(db.read, { 0: new Uint8Array([9]), 1: digest })).toHaveLength(1)
    expect(await bodies(1).all(db.read, { 0: new Uint8Array([9]) })).toEqual([])
    const history = insertion('tag_history', [
      'repository_id',
      'tag',
      'digest_before',
      'digest_after',
      'actor_id',
      'actor_name',
      'at_ms',
    ])
    const row = { repository_id: 1, tag: 't', digest_before: null, digest_after: digest }
    await db.write(tx => history(tx, [{ ...row, actor_id: '', actor_name: 'x', at_ms: 5 }]))
    const [kept] = await db.read.selectFrom('tag_history').select(['digest_before', 'digest_after']).execute()
    expect(kept?.digest_before).toBeNull()
    expect(new Uint8Array(kept?.digest_after ?? [])).toEqual(digest)
  })
})
