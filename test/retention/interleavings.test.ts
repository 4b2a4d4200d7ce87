import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { applyPolicy, type PolicyApplication } from '../../src/core/retention/apply-policy.ts'
import type { RetentionDeps } from '../../src/core/retention/deps.ts'
import { judgeTags } from '../../src/core/retention/judge.ts'
import { createPolicy } from '../../src/core/retention/policies.ts'
import { readyRules } from '../../src/core/retention/ready-rules.ts'
import { dayMs, type RetentionRule } from '../../src/core/retention/rules.ts'
import { openCoreRegistry, placeOf } from '../core-registry.ts'
import { describeEngines } from '../databases.ts'
import { fillWithTags } from './fill-with-tags.ts'
import { openImages } from './images.ts'

const dead = new Error('killed')

/** What others do between the transactions of a policy, to tags that are chosen by their place among all. */
type Move = { kind: 'push' | 'delete'; at: number } | { kind: 'none' } | { kind: 'die' }

const moves: fc.Arbitrary<Move> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('push' as const, 'delete' as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.constantFrom<Move>({ kind: 'none' }, { kind: 'die' }),
)
const exempts: fc.Arbitrary<RetentionRule['exempts']> = fc.constantFrom<RetentionRule['exempts']>(
  ...([
    [],
    [{ kind: 'pattern', pattern: '7' }],
    [
      { kind: 'tag', tag: 'v3' },
      { kind: 'pattern', pattern: '^v1' },
    ],
  ] as const),
)
const rule: fc.Arbitrary<RetentionRule> = fc.oneof(
  fc.record({ keeps: fc.constant('newest' as const), count: fc.integer({ min: 1, max: 150 }), exempts }),
  fc.record({ keeps: fc.constant('recent' as const), days: fc.constant(1), exempts }),
)
const cases = fc.record({
  tags: fc.integer({ min: 1, max: 700 }),
  rules: fc.array(rule, { minLength: 1, maxLength: 2 }),
  /** Where the tags that are older than a day end. */
  old: fc.double({ min: 0, max: 1, noNaN: true }),
  moves: fc.array(moves, { maxLength: 12 }),
})

describeEngines('pushes, deletions and deaths between the transactions of a policy', (engine, open) => {
  test('nothing goes that was not to go at that moment, and in the end nothing is left that is to go', async () => {
    const runs = engine === 'sqlite' ? 15 : 5
    await fc.assert(
      fc.asyncProperty(cases, async each => {
        const opened = await open()
        await using registry = await openCoreRegistry(opened.db)
        try {
          await run(registry, each)
        } finally {
          await opened.dispose()
        }
      }),
      { numRuns: runs, endOnFailure: true },
    )
  }, 180_000)
})

async function run(
  registry: Awaited<ReturnType<typeof openCoreRegistry>>,
  { tags, rules, old, moves }: { tags: number; rules: RetentionRule[]; old: number; moves: Move[] },
): Promise<void> {
  const { db } = registry.deps
  const images = openImages(registry.deps, registry.by, 'group')
  const ready = await readyRules(rules)
  await images.push('app', 'v0')
  const id = await createPolicy(registry.deps, registry.by, { place: placeOf('app'), rules })
  await fillWithTags(registry, images, 'app', tags)
  const repositoryId = await images.repositoryId('app')
  await db.write(tx =>
    tx
      .updateTable('tags')
      .set(eb => ({ updated_ms: eb('updated_ms', '-', 2 * dayMs) }))
      .where('repository_id', '=', repositoryId)
      .where('updated_ms', '<', registry.time.nowMs - Math.round(tags * (1 - old)))
      .execute(),
  )
  type Tag = { name: string; pushedMs: number }
  const tagsNow = (): Promise<Tag[]> =>
    db.read.selectFrom('tags').select(['name', 'updated_ms as pushedMs']).orderBy('id').execute()
  /** What this application removed: each rule judges the tags as they were when it began, so these count on. */
  let removed: Tag[] = []
  const state = async () => {
    const rows = await tagsNow()
    const names = new Set(rows.map(row => row.name))
    const judged = judgeTags(ready, [...rows, ...removed], registry.time.nowMs)
    return judged.filter(({ tag }) => names.has(tag))
  }
  const going = (judged: Awaited<ReturnType<typeof state>>) =>
    judged.flatMap(({ tag, verdict }) => (verdict.goes ? [tag] : []))

  /** What was to go just before the transaction that runs now, and the last line of the log that was looked at. */
  let before: string[] = []
  let tagsBefore: Tag[] = []
  let lastLine = 0
  const left = [...moves]
  const deps: RetentionDeps = {
    ...{ db, clock: registry.deps.clock, mayDelete: async () => true },
    onFailure: error => {
      throw error
    },
    atRetentionStep: async step => {
      if (step === 'batch-planned') {
        const move = left.shift() ?? { kind: 'none' }
        const judged = await state()
        // What is to go is pushed again, and what is to stay deleted: the rest changes little.
        const names = judged.filter(each => each.verdict.goes === (move.kind === 'push')).map(({ tag }) => tag)
        const name = 'at' in move ? names[Math.floor(move.at * (names.length - 1))] : undefined
        registry.passMs(1)
        if (move.kind === 'push' && name !== undefined) await images.push('app', name)
        if (move.kind === 'delete' && name !== undefined) await registry.deleteTag('app', name)
        if (move.kind === 'die') throw dead
        before = going(await state())
        tagsBefore = await tagsNow()
        return
      }
      const lines = await db.read
        .selectFrom('retention_log')
        .select(['id', 'tag'])
        .where('id', '>', lastLine)
        .orderBy('id')
        .execute()
      lastLine = lines.at(-1)?.id ?? lastLine
      for (const { tag } of lines) expect(before).toContain(tag)
      const gone = new Set(lines.map(line => line.tag))
      removed.push(...tagsBefore.filter(({ name }) => gone.has(name)))
    },
  }
  let at: PolicyApplication | undefined
  for (;;) {
    const done = await applyPolicy(deps, id, at).catch(error => (error === dead ? undefined : Promise.reject(error)))
    if (done === 'applied') break
    at = done
    if (at === undefined) removed = []
  }
  // What came meanwhile has its turn the next day.
  removed = []
  await applyPolicy({ ...deps, atRetentionStep: () => {} }, id, undefined)
  expect(going(await state())).toEqual([])
}
