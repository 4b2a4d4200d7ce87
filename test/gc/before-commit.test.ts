import { describe, expect, test } from 'bun:test'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from '../../src/metadata/database.ts'
import { type CoreRegistry, digestOf, openCoreRegistry } from '../core-registry.ts'
import { openPostgresForTest } from '../databases.ts'
import { overOrWaiting } from '../in-order.ts'
import { postgresPrograms } from '../postgres-server.ts'

/*
 * Whole sweeps, of another process and without a grace time, between what a transaction did and its commit. SQLite has one
 * writer, and nothing comes between there; where two wait for one row, `postgres-orders.test.ts` has both orders.
 */

const ways: Readonly<Record<string, { before?: (registry: CoreRegistry) => Promise<unknown>; push: Push }>> = {
  'a push in one request': { push: ({ push }) => push('app', 'content') },
  'a push in chunks': { push: ({ pushInChunks }) => pushInChunks('app', 'content') },
  'a push that heals a lost blob': {
    before: async registry => {
      await registry.push('other', 'content')
      await registry.pushImage('other', 'v1', [digestOf('content')])
      const [file = ''] = registry.files()
      renameSync(join(registry.dataDir, file), join(registry.dataDir, 'lost'))
    },
    push: ({ push }) => push('app', 'content'),
  },
  'a mount of what its source is about to lose': {
    before: ({ push }) => push('other', 'content'),
    push: ({ mount }) => mount('app', 'other', digestOf('content')),
  },
}

type Push = (registry: CoreRegistry) => Promise<unknown>

const describePostgres = postgresPrograms() ? describe : describe.skip
describePostgres(`a sweep before the commit${postgresPrograms() ? '' : ' (needs postgresql-15)'}`, () => {
  for (const [way, { before, push }] of Object.entries(ways)) {
    test(`of ${way} takes nothing of it`, async () => {
      const opened = await openPostgresForTest()
      let gap = async () => {}
      await using registry = await openCoreRegistry(beforeEachCommit(opened.db, () => gap()))
      await before?.(registry)
      const sweeps: Promise<unknown>[] = []
      gap = async () => {
        // A mount holds the count of its account's links, and a sweep that takes one away waits for it.
        const sweep = registry.sweep({ db: opened.db, graceMs: 0 })
        sweeps.push(sweep)
        await overOrWaiting(opened.db, sweep)
      }
      // Files have the machine's time, and the registry's is an hour ahead.
      await push(registry)
      gap = async () => {}
      await Promise.all(sweeps)
      expect(sweeps.length).toBeGreaterThan(0)
      expect(await registry.pull('app', digestOf('content'))).toBe('content')
      await registry.sweep()
      expect(await registry.pull('app', digestOf('content'))).toBe('content')
      await opened.dispose()
    })
  }
})

/** The database, with `gap` at the end of each transaction's body. */
function beforeEachCommit(db: Database, gap: () => Promise<void>): Database {
  return {
    engine: db.engine,
    read: db.read,
    write: (body, options) =>
      db.write(async tx => {
        const result = await body(tx)
        await gap()
        return result
      }, options),
    prepare: (name, sql) => db.prepare(name, sql),
    version: of => db.version(of),
    check: () => db.check(),
    copyTo: file => db.copyTo(file),
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  }
}
