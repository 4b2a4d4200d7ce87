import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createQueryId, type RootOperationNode, sql } from 'kysely'
import { listImages, listImagesAfter } from '../../src/core/manifests/images/list-images.ts'
import { type ImageOrder, type ImagePosition, pageOfImages } from '../../src/core/manifests/images/queries.ts'
import { PostgresDatabase } from '../../src/metadata/postgres/database.ts'
import { digestToBytes } from '../../src/protocol/oci/digest.ts'
import { type CoreRegistry, openCoreRegistry, placeOf } from '../core-registry.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'

const tags = 200_000
const limit = 100
const offset = 10_000

describeEngines('a page of images among many tags', (engine, open) => {
  let opened: TestDatabase
  let registry: CoreRegistry
  beforeAll(async () => {
    opened = await open()
    registry = await openCoreRegistry(opened.db)
    await registry.pushImage('app', 'v0000000', [await registry.push('app', 'layer')])
    const repositoryId = await registry.idOf('app')
    await opened.db.write(async tx => {
      // In the order of time another one than in that of names.
      await sql`insert into tags (repository_id, name, digest, created_ms, updated_ms)
        with recursive numbers(number) as (select 1 union all select number + 1 from numbers where number < ${tags - 1})
        select repository_id, 'v' || (10000000 + number), digest, 1, 1000000 + (number % 100000) * 7919 % 1000000
        from numbers join tags on name = 'v0000000'`.execute(tx)
      await tx
        .insertInto('totals')
        .values({ owner: `repository:${repositoryId}`, metric: 'tags', value: tags - 1 })
        .execute()
    })
    if (opened.db instanceof PostgresDatabase) await opened.db.withClient(client => client.query('vacuum analyze tags'))
  }, 120_000)
  afterAll(async () => {
    await registry[Symbol.asyncDispose]()
    await opened.dispose()
  })

  test('of indexes is measured by what is below them, however much the repository holds besides', async () => {
    const layer = digestToBytes(await registry.push('indexes', 'layer'))
    const repository_id = await registry.idOf('indexes')
    const digestAt = (at: number) => Uint8Array.from([1, ...Array(28).fill(9), at >> 24, at >> 16, at >> 8, at])
    const row = {
      ...{ repository_id, media_type: 'x', artifact_type: null, size_bytes: 300, config_digest: null },
      ...{ subject_digest: null, content_bytes: 5, annotations: null, pusher_id: '', pushed_ms: 1 },
    }
    // 2,000 indexes of 9 images, each with the one layer.
    const indexes = Array.from({ length: 2_000 }, (_, at) => at * 10)
    const everyPart = <Row>(rows: Row[], insert: (some: Row[]) => Promise<unknown>) =>
      Array.from({ length: Math.ceil(rows.length / 500) }, (_, at) => rows.slice(at * 500, at * 500 + 500)).reduce(
        (done, some) => done.then(() => insert(some)).then(() => {}),
        Promise.resolve(),
      )
    const manifests = indexes.flatMap(index => Array.from({ length: 10 }, (_, at) => index + at))
    await opened.db.write(async tx => {
      await everyPart(manifests, some =>
        tx
          .insertInto('manifest_bodies')
          .values(some.map(at => ({ digest: digestAt(at), body: new Uint8Array([123, 125]) })))
          .execute(),
      )
      await everyPart(manifests, some =>
        tx
          .insertInto('manifests')
          .values(
            some.map(at => ({ ...row, digest: digestAt(at), index_depth: at % 10 === 0 ? 1 : 0, index_reach: 9 })),
          )
          .execute(),
      )
      const children = manifests.filter(at => at % 10 > 0)
      await everyPart(children, some =>
        tx
          .insertInto('manifest_children')
          .values(
            some.map(at => ({
              repository_id,
              manifest_digest: digestAt(at - (at % 10)),
              position: at % 10,
              child_digest: digestAt(at),
            })),
          )
          .execute(),
      )
      await everyPart(children, some =>
        tx
          .insertInto('manifest_blobs')
          .values(
            some.map(at => ({
              repository_id,
              manifest_digest: digestAt(at),
              target_digest: layer,
              held_digest: layer,
            })),
          )
          .execute(),
      )
      await tx
        .insertInto('tags')
        .values(
          indexes.slice(0, limit).map(at => ({
            ...{ repository_id, name: `a${String(at).padStart(5, '0')}`, digest: digestAt(at) },
            ...{ created_ms: 1, updated_ms: 1 },
          })),
        )
        .execute()
    })
    const list = async () => {
      const order = { by: 'tag', direction: 'asc' } as const
      const page = await listImages(registry.deps, registry.by.caller, placeOf('indexes'), {
        ...{ filter: {}, order, limit, offset: 0 },
      })
      const sizes: number[] = []
      for await (const slice of page.slices) sizes.push(...slice.map(image => image.sizeBytes))
      return sizes
    }
    expect(await list()).toEqual(Array(limit).fill('layer'.length))
    const before = process.cpuUsage()
    for (let again = 0; again < 5; again++) await list()
    const { user, system } = process.cpuUsage(before)
    // Were all that the repository names looked at for each of them, it would take a hundred times as long.
    expect((user + system) / 1000 / 5).toBeLessThan(60)
  })

  /** The query of the page's rows, and what the engine says of running it. */
  async function planOf(order: ImageOrder): Promise<unknown[]> {
    const { read } = opened.db
    const asked: RootOperationNode[] = []
    const noting = read.withPlugin({
      transformQuery: ({ node }) => {
        asked.push(node)
        return node
      },
      transformResult: async ({ result }) => result,
    })
    const found = await pageOfImages(noting, { repositoryId: await registry.idOf('app'), order, limit, offset })
    expect(found).toHaveLength(limit)
    // The outermost comes last.
    const query = read.getExecutor().compileQuery(asked.at(-1) as RootOperationNode, createQueryId())
    const explain = engine === 'sqlite' ? 'explain query plan' : 'explain (analyze, format json)'
    return (await read.executeQuery({ ...query, sql: `${explain} ${query.sql}` })).rows
  }

  const orders: ImageOrder[] = (['tag', 'updated'] as const).flatMap(by =>
    (['asc', 'desc'] as const).map(direction => ({ by, direction })),
  )
  for (const order of orders) {
    const { by, direction } = order
    test(`behind ${offset} others, by ${by} ${direction}, is right and in little time`, async () => {
      const list = () =>
        listImages(registry.deps, registry.by.caller, placeOf('app'), { filter: {}, order, limit, offset })
      const page = await list()
      expect([page.count, page.total]).toEqual([limit, tags])
      const seen: string[] = []
      for await (const slice of page.slices) seen.push(...slice.map(image => image.tag))
      const time = by === 'tag' ? sql`` : sql`updated_ms ${sql.raw(direction)},`
      const { rows } = await sql<{ name: string }>`
        select name from tags where repository_id = ${await registry.idOf('app')} order by ${time} name ${sql.raw(direction)} limit ${limit} offset ${offset}`.execute(
        opened.db.read,
      )
      expect(seen).toEqual(rows.map(row => row.name))
      const before = process.cpuUsage()
      for (let again = 0; again < 5; again++) await list()
      const { user, system } = process.cpuUsage(before)
      // Rows of all that is skipped would take ten times as long.
      expect((user + system) / 1000 / 5).toBeLessThan(20)
    })

    test(`by ${by} ${direction} touches rows of the page alone`, async () => {
      const plan = await planOf(order)
      if (engine === 'sqlite') {
        const steps = plan.map(step => (step as { detail: string }).detail)
        const index = by === 'tag' ? 'sqlite_autoindex_tags_1' : 'tags_by_update'
        expect(steps).toContain(`SEARCH tags USING COVERING INDEX ${index} (repository_id=?)`)
      } else {
        const [{ Plan }] = (plan[0] as { 'QUERY PLAN': [{ Plan: PlanNode }] })['QUERY PLAN']
        // Whatever reads more than a page reads an index in its order, and ends.
        for (const node of nodesOf(Plan).filter(each => each['Actual Rows'] * each['Actual Loops'] > 2 * limit)) {
          expect(node['Node Type']).toBe('Index Only Scan')
          expect(node['Actual Rows'] * node['Actual Loops']).toBe(limit + offset)
        }
      }
    })
  }

  test('behind a place in the order is what follows it, however far it is', async () => {
    for (const order of orders) {
      const { by, direction } = order
      const list = (after: ImagePosition | undefined) =>
        listImagesAfter(registry.deps, registry.by.caller, placeOf('app'), {
          ...{ filter: {}, order, limit: 1000, after, withDocuments: false },
        })
      const seen = new Set<string>()
      let after: ImagePosition | undefined
      const before = process.cpuUsage()
      for (let pages = 0; pages < 5; pages++) {
        const { next, slices } = await list(after)
        for await (const slice of slices) for (const image of slice) seen.add(image.tag)
        after = next
      }
      const { user, system } = process.cpuUsage(before)
      expect([by, direction, seen.size]).toEqual([by, direction, 5000])
      expect((user + system) / 1000).toBeLessThan(1_000)
    }
  })
})

type PlanNode = { 'Node Type': string; 'Actual Rows': number; 'Actual Loops': number; Plans?: PlanNode[] }

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}
