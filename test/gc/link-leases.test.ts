import { afterEach, beforeEach, expect, test } from 'bun:test'
import { LinkLeases } from '../../src/core/blobs/link-leases.ts'
import { openPostgres } from '../../src/metadata/postgres/database.ts'
import { type Digest, digestToBytes } from '../../src/protocol/oci/digest.ts'
import { type CoreRegistry, digestOf, graceMs, openCoreRegistry } from '../core-registry.ts'
import { describeEngines, type Engine, openSqliteForTest, type TestDatabase } from '../databases.ts'
import { startRelay } from '../postgres-relay.ts'
import { postgresServer } from '../postgres-server.ts'

describeEngines('the lease of a HEAD', (engine, open) => {
  let opened: TestDatabase
  let registry: CoreRegistry
  let pushedMs: number

  beforeEach(async () => {
    opened = await open()
    registry = await openCoreRegistry(opened.db)
    await registry.push('app', 'asked for')
    pushedMs = registry.time.nowMs
  })
  afterEach(async () => {
    await registry[Symbol.asyncDispose]()
    await opened.dispose()
  })

  const usedMs = async () =>
    (await opened.db.read.selectFrom('blob_links').select('used_ms').executeTakeFirst())?.used_ms
  const link = async () => ({
    repositoryId: await registry.idOf('app'),
    digest: digestToBytes(digestOf('asked for')),
    usedMs: (await usedMs()) ?? 0,
  })

  const seams = () => ({
    db: opened.db,
    clock: registry.deps.clock,
    graceMs,
    mayDelete: async () => true,
    onFailure: (error: unknown) => {
      throw error
    },
  })

  test('costs nothing within a quarter of the grace time', async () => {
    registry.passMs(graceMs / 4 - 1)
    expect(registry.leases.rely(await link())).toBeUndefined()
    await registry.leases.flush()
    expect(await usedMs()).toBe(pushedMs)
  })

  test('is noted behind the answer up to half of it, and once', async () => {
    registry.passMs(graceMs / 4)
    const asked = await link()
    for (let time = 0; time < 3; time++) expect(registry.leases.rely(asked)).toBeUndefined()
    expect(await usedMs()).toBe(pushedMs)
    await registry.leases.flush()
    expect(await usedMs()).toBe(registry.time.nowMs)
    expect(registry.leases.rely(await link())).toBeUndefined()
  })

  test('is noted before the answer from half of it on, and many at once share a write', async () => {
    registry.passMs(graceMs / 2)
    const asked = await link()
    await Promise.all(Array.from({ length: 300 }, () => registry.leases.rely(asked)))
    expect(await usedMs()).toBe(registry.time.nowMs)
  })

  test('is noted at whatever moment of another write it comes', async () => {
    await registry.push('app', 'another')
    const [one, other] = [digestOf('asked for'), digestOf('another')]
    const repositoryId = await registry.idOf('app')
    const rely = (digest: Digest) =>
      registry.leases.rely({ repositoryId, digest: digestToBytes(digest), usedMs: registry.time.nowMs - graceMs / 2 })
    for (let turns = 0; turns < 16; turns++) {
      await rely(one)
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      await rely(other)
    }
  })

  test('is refused for a blob that a sweep was faster to take', async () => {
    const asked = await link()
    registry.passMs(graceMs)
    await registry.sweep()
    await expect(registry.leases.rely(asked) ?? 'not awaited').rejects.toMatchObject({ code: 'blob_unknown' })
  })

  test('is none while the registry is read-only, which nothing is written to and nothing goes from', async () => {
    const asked = await link()
    registry.passMs(graceMs)
    await using leases = new LinkLeases({ ...seams(), mayDelete: async () => false })
    await leases.rely(asked)
    expect(await usedMs()).toBe(pushedMs)
  })

  test('is none where nothing can be written, which is told and fails no answer', async () => {
    const asked = await link()
    registry.passMs(graceMs)
    const failures: unknown[] = []
    await using gone = await databaseThatIsGone(engine)
    await using leases = new LinkLeases({ ...seams(), db: gone.db, onFailure: error => failures.push(error) })
    await leases.rely(asked)
    expect(failures).toMatchObject([{ code: 'unavailable' }])
  })

  test('is written when the program ends', async () => {
    registry.passMs(graceMs / 3)
    registry.leases.rely(await link())
    await registry.leases[Symbol.asyncDispose]()
    expect(await usedMs()).toBe(registry.time.nowMs)
  })
})

async function databaseThatIsGone(engine: Engine) {
  if (engine === 'sqlite') {
    const { db, dispose } = await openSqliteForTest()
    await dispose()
    return { db, [Symbol.asyncDispose]: async () => {} }
  }
  const relay = await startRelay(await (await postgresServer()).createDatabase())
  const db = await openPostgres({ url: relay.url, connections: 1 })
  relay.cut()
  return {
    db,
    [Symbol.asyncDispose]: async () => {
      await db[Symbol.asyncDispose]()
      relay.close()
    },
  }
}
