import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type CompiledQuery, sql } from 'kysely'
import { listLog, pageOfTags } from '../../src/core/retention/queries.ts'
import type { Reader } from '../../src/metadata/database.ts'
import { PostgresDatabase } from '../../src/metadata/postgres/database.ts'
import { type CoreRegistry, openCoreRegistry } from '../core-registry.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'
import { fillWithTags } from './fill-with-tags.ts'
import { type Images, openImages } from './images.ts'

const tags = 20_000
const limit = 100

describeEngines('a repository of many tags, and a long log', (engine, open) => {
  let opened: TestDatabase
  let registry: CoreRegistry
  let images: Images
  let repositoryId = 0
  beforeAll(async () => {
    opened = await open()
    registry = await openCoreRegistry(opened.db)
    images = openImages(registry.deps, registry.by, 'group')
    await fillWithTags(registry, images, 'app', tags)
    repositoryId = await images.repositoryId('app')
    await opened.db.write(async tx => {
      const rule = { repository_id: repositoryId, digest: new Uint8Array([1]), rule: '{}' }
      await tx.insertInto('retention_rules').values(rule).execute()
      await sql`insert into retention_log (repository_id, policy_id, rule_id, tag, at_ms)
        select t.repository_id, 1, r.id, t.name, 1 from tags t, retention_rules r`.execute(tx)
    })
    if (opened.db instanceof PostgresDatabase) await opened.db.withClient(client => client.query('analyze'))
  })
  afterAll(async () => {
    await registry[Symbol.asyncDispose]()
    await opened.dispose()
  })

  const middle = () => ({ pushedMs: registry.time.nowMs - tags / 2, name: `v${tags / 2}` })
  const queries: [what: string, ask: (db: Reader) => Promise<unknown[]>, mostRows: number][] = [
    ['the newest tags', db => pageOfTags(db, { ...pageOf(), after: undefined, pushedBeforeMs: undefined }), limit],
    ['tags after a place', db => pageOfTags(db, { ...pageOf(), after: middle(), pushedBeforeMs: undefined }), limit],
    [
      'tags that are old enough',
      db => pageOfTags(db, { ...pageOf(), after: undefined, pushedBeforeMs: middle().pushedMs }),
      limit,
    ],
    ['lines of the log', db => listLog(db, { ...pageOf(), offset: 0 }), limit],
    ['lines of the log behind 10,000 others', db => listLog(db, { ...pageOf(), offset: 10_000 }), 10_000 + limit],
  ]
  const pageOf = () => ({ repositoryId, limit })

  test.each(queries)(
    '%s: an index serves them, and only what is skipped or shown is looked at',
    async (...[what, ask, most]) => {
      const { read } = opened.db
      const asked: CompiledQuery[] = []
      const listening = read.withPlugin({
        transformQuery: ({ node, queryId }) => {
          asked.push(read.getExecutor().compileQuery(node, queryId))
          return node
        },
        transformResult: async ({ result }) => result,
      })
      expect(await ask(listening)).toHaveLength(limit)
      const [query] = asked
      if (!query) throw new Error('nothing was asked')
      const explain = engine === 'sqlite' ? 'explain query plan' : 'explain (analyze, format json)'
      const { rows } = await read.executeQuery({ ...query, sql: `${explain} ${query.sql}` })
      if (engine === 'postgres') {
        const [plan] = (rows as { 'QUERY PLAN': [{ Plan: PlanNode }] }[]).map(row => row['QUERY PLAN'][0].Plan)
        expect(mostRows(plan)).toBeLessThanOrEqual(most)
        return
      }
      // SQLite tells no numbers, but which index it walks, and where it sorts what it could have walked.
      const details = (rows as { detail: string }[]).map(step => step.detail).join('\n')
      expect(details).toContain(
        what.includes('log') ? 'retention_log_by_repository (repository_id=?' : 'tags_by_update (',
      )
      expect(details).not.toContain('TEMP B-TREE')
    },
  )
})

type PlanNode = { 'Actual Rows': number; 'Actual Loops': number; Plans?: PlanNode[] }

function mostRows(node: PlanNode | undefined): number {
  if (!node) return 0
  return Math.max(node['Actual Rows'] * node['Actual Loops'], ...(node.Plans ?? []).map(mostRows))
}
