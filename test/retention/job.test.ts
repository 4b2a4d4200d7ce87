import { afterEach, beforeEach, expect, test } from 'bun:test'
import { sql } from 'kysely'
import { applyRetentionHandler, dailyRetentionHandler } from '../../src/app/retaining.ts'
import { openAccess } from '../../src/core/access/access.ts'
import { openSwitches } from '../../src/core/access/switches.ts'
import type { RetentionDeps } from '../../src/core/retention/deps.ts'
import { changePolicy, createPolicy, removePolicy } from '../../src/core/retention/policies.ts'
import type { RetentionRule } from '../../src/core/retention/rules.ts'
import { openQueue } from '../../src/jobs/queue.ts'
import { JobWorker } from '../../src/jobs/worker.ts'
import { openLogger } from '../../src/telemetry/logger.ts'
import { openMetrics } from '../../src/telemetry/metrics.ts'
import { type CoreRegistry, hourMs, openCoreRegistry, placeOf } from '../core-registry.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'
import { fillWithTags } from './fill-with-tags.ts'
import { type Images, openImages } from './images.ts'

const dayMs = 24 * hourMs
const newest = (count: number, ...exempts: RetentionRule['exempts']): RetentionRule => ({
  ...{ keeps: 'newest', count, exempts },
})
const recent = (days: number): RetentionRule => ({ keeps: 'recent', days, exempts: [] })

describeEngines('the jobs of retention', (_engine, open) => {
  let opened: TestDatabase
  let registry: CoreRegistry
  let images: Images
  let failures: [policyId: number, error: string][]

  beforeEach(async () => {
    opened = await open()
    registry = await openCoreRegistry(opened.db)
    images = openImages(registry.deps, registry.by, 'group')
    failures = []
  })
  afterEach(async () => {
    await registry[Symbol.asyncDispose]()
    await opened.dispose()
  })

  const create = (repository: string, ...rules: RetentionRule[]) =>
    createPolicy(registry.deps, registry.by, { place: placeOf(repository), rules })

  const metrics = openMetrics()
  /** A process of its own, as far as jobs are concerned. */
  const openWorker = async (changes: Partial<RetentionDeps> = {}) => {
    const deps = {
      ...registry.deps,
      metrics,
      mayDelete: async () => true,
      onFailure: (error: unknown, policyId: number) => void failures.push([policyId, String(error)]),
      ...changes,
    }
    const queue = openQueue(opened.db)
    await queue.releaseAll()
    const worker = new JobWorker({
      queue,
      handlers: new Map([
        ['retention.daily', dailyRetentionHandler(deps)],
        ['retention.apply', applyRetentionHandler(deps)],
        ['tests.none', { run: async () => undefined }],
      ]),
      clock: registry.deps.clock,
      logger: openLogger({ level: 'error', format: 'json', write: line => void failures.push([0, line]) }),
      mayDelete: deps.mayDelete,
    })
    await worker.schedule()
    return worker
  }
  /** Runs what is due, and what follows from it, until nothing more follows within a minute. */
  const runToTheEnd = async (worker: JobWorker) => {
    for (let passed = 0; passed < 120; passed++) {
      await worker.runDue()
      registry.passMs(1_000)
    }
  }
  const logOf = async (repository: string) => {
    const rows = await opened.db.read
      .selectFrom('retention_log')
      .select('tag')
      .where('repository_id', '=', await images.repositoryId(repository))
      .orderBy('tag')
      .execute()
    return rows.map(row => row.tag)
  }

  test('tags go when they get too old, and a tag that was pushed again is young', async () => {
    for (const tag of ['idle', 'used']) await images.push('app', tag)
    await create('app', recent(2))
    await using worker = await openWorker()
    registry.passMs(2 * dayMs)
    await worker.runDue()
    expect(await images.tags('app')).toEqual(['idle', 'used'])
    await images.push('app', 'used')
    registry.passMs(dayMs)
    await worker.runDue()
    expect(await images.tags('app')).toEqual(['used'])
    expect(await logOf('app')).toEqual(['idle'])
  })

  test('each day the newest are kept of those that came meanwhile', async () => {
    await images.push('app', 'v1')
    await create('app', newest(2, { kind: 'tag', tag: 'v1' }))
    await using worker = await openWorker()
    for (const tag of ['v2', 'v3', 'v4', 'v5']) {
      registry.passMs(1)
      await images.push('app', tag)
    }
    registry.passMs(dayMs)
    await worker.runDue()
    expect(await images.tags('app')).toEqual(['v1', 'v4', 'v5'])
  })

  test('every policy has its turn, however many there are, and each repository is its own', async () => {
    // More than the policies of one page.
    const repositories = Array.from({ length: 110 }, (_, index) => `app${index}`)
    for (const tag of ['old', 'new']) {
      for (const repository of [...repositories, 'free']) await images.push(repository, tag)
      registry.passMs(1)
    }
    const rules = JSON.stringify([newest(1)])
    await opened.db.write(tx =>
      sql`insert into retention_policies
          (repository_id, rules, revision, creator_id, creator_name, created_ms, updated_ms)
        select id, ${rules}, 1, '', '', 1, 1 from repositories where name <> 'free'`.execute(tx),
    )
    await using worker = await openWorker()
    registry.passMs(dayMs)
    await runToTheEnd(worker)
    for (const repository of repositories) expect(await images.tags(repository)).toEqual(['new'])
    expect(await images.tags('free')).toEqual(['new', 'old'])
    expect(failures).toEqual([])
  }, 60_000)

  test('a policy that can not be applied is told and holds up no other', async () => {
    const ids: number[] = []
    for (const repository of ['app1', 'app2', 'app3']) {
      await images.push(repository, 'old')
      ids.push(await create(repository, newest(1)))
      registry.passMs(1)
      await images.push(repository, 'new')
    }
    const broken = ids[1] ?? 0
    const rules = JSON.stringify([newest(1, { kind: 'pattern', pattern: '(' })])
    await opened.db.write(tx => tx.updateTable('retention_policies').set({ rules }).where('id', '=', broken).execute())
    await using worker = await openWorker()
    registry.passMs(dayMs)
    await worker.runDue()
    expect([await images.tags('app1'), await images.tags('app2'), await images.tags('app3')]).toEqual([
      ...[['new'], ['new', 'old'], ['new']],
    ])
    expect(failures).toEqual([[broken, expect.stringContaining('pattern is invalid')]])
  })

  test('an image goes with its children and its signatures, which neither count nor go before it', async () => {
    const signed = await images.push('app', 'signed')
    await images.pushSignature('app', signed)
    await images.pushSignature('app', signed, 'sbom')
    registry.passMs(1)
    const [child, shared] = [await images.pushUntagged('app', 'child'), await images.pushUntagged('app', 'shared')]
    const index = await images.pushIndex('app', 'index', ['child', 'shared'])
    registry.passMs(1)
    await images.pushIndex('app', 'newer', ['shared'])
    registry.passMs(1)
    await images.push('app', 'newest')
    const id = await create('app', newest(4))
    expect(await images.tags('app')).toHaveLength(6)
    await changePolicy(registry.deps, registry.by, { place: placeOf('app'), id, rules: [newest(2)] })
    expect(await images.tags('app')).toEqual(['newer', 'newest'])
    const left = [signed, index, child, shared].map(digest => images.hasManifest('app', digest))
    expect(await Promise.all(left)).toEqual([false, false, false, true])
    expect(await logOf('app')).toEqual(['index', 'signed'])
  })

  test('an image stays as long as another tag names it', async () => {
    const digest = await images.push('app', 'old', 'one image')
    registry.passMs(1)
    await images.push('app', 'new', 'one image')
    await create('app', newest(1))
    expect(await images.tags('app')).toEqual(['new'])
    expect(await images.hasManifest('app', digest)).toBe(true)
  })

  test('what is too much for a request is done by a job that begins at once, in small transactions', async () => {
    await fillWithTags(registry, images, 'app', 1_250)
    await create('app', newest(10))
    expect(await images.tags('app')).toHaveLength(1_150)
    const removed: number[] = []
    await using worker = await openWorker({
      atRetentionStep: async () => void removed.push((await logOf('app')).length),
    })
    await runToTheEnd(worker)
    expect(await images.tags('app')).toEqual(Array.from({ length: 10 }, (_, at) => `v${1_240 + at}`))
    expect(await logOf('app')).toHaveLength(1_240)
    const steps = removed.map((count, at) => count - (removed[at - 1] ?? 100))
    expect(Math.max(...steps)).toBe(100)
    const jobs = await opened.db.read
      .selectFrom('jobs')
      .select('subject')
      .where('kind', '=', 'retention.apply')
      .execute()
    expect(jobs).toEqual([])
  }, 60_000)

  test('a process that dies between any two transactions leaves what the next one goes on with', async () => {
    await fillWithTags(registry, images, 'app', 1_000)
    await create('app', newest(10, { kind: 'pattern', pattern: '^v..0$' }))
    const kept = Array.from({ length: 1_000 }, (_, at) => `v${at}`).filter(
      tag => /^v..0$/.test(tag) || Number(tag.slice(1)) >= 989,
    )
    let deaths = 0
    for (let isOver = false; !isOver; ) {
      let steps = 0
      await using worker = await openWorker({
        // The part that a kill cuts never returns what it came to: the row has what the part before it left.
        atRetentionStep: () => {
          if (++steps > 2) throw new Error('killed')
        },
      })
      registry.passMs(hourMs)
      await worker.runDue()
      const [row] = await opened.db.read.selectFrom('jobs').select('id').where('kind', '=', 'retention.apply').execute()
      isOver = row === undefined
      deaths += isOver ? 0 : 1
      // Each tag that went has its line and its event, and none has two.
      const tags = await images.tags('app')
      expect((await logOf('app')).length).toBe(1_000 - tags.length)
    }
    expect(deaths).toBeGreaterThan(3)
    expect((await images.tags('app')).toSorted()).toEqual(kept.toSorted())
    const log = await logOf('app')
    expect(new Set(log).size).toBe(log.length)
    const events = await opened.db.read.selectFrom('events').select('id').where('kind', '=', 'tag.deleted').execute()
    expect(events).toHaveLength(log.length)
  }, 60_000)

  test('nothing goes while the registry is read-only or deletes nothing, and then it does', async () => {
    await images.push('app', 'old')
    await create('app', newest(1))
    registry.passMs(1)
    await images.push('app', 'new')
    let mayDelete = false
    await using worker = await openWorker({ mayDelete: async () => mayDelete })
    registry.passMs(2 * dayMs)
    await runToTheEnd(worker)
    expect(await images.tags('app')).toEqual(['new', 'old'])
    mayDelete = true
    await worker.runDue()
    expect(await images.tags('app')).toEqual(['new'])
  })

  test('where nothing is deleted no policy can be made or changed, and those that are there can be ended', async () => {
    await images.push('app', 'old')
    const id = await create('app', newest(1))
    const switches = { ...openSwitches, deletesContent: false }
    const deps = { ...registry.deps, access: openAccess(registry.deps, switches) }
    const key = { place: placeOf('app'), id }
    const rules = [newest(1)]
    const making = createPolicy(deps, registry.by, { place: placeOf('app'), rules })
    await expect(making).rejects.toMatchObject({ code: 'deletion_disabled' })
    await expect(changePolicy(deps, registry.by, { ...key, rules })).rejects.toMatchObject({
      code: 'deletion_disabled',
    })
    await removePolicy(deps, registry.by, key)
    await expect(removePolicy(deps, registry.by, key)).rejects.toMatchObject({ code: 'retention_unknown' })
  })

  test('a part that is under way ends when the registry becomes read-only', async () => {
    await fillWithTags(registry, images, 'app', 500)
    await create('app', newest(10))
    let mayDelete = true
    await using worker = await openWorker({
      mayDelete: async () => mayDelete,
      atRetentionStep: step => {
        if (step === 'batch-removed') mayDelete = false
      },
    })
    await runToTheEnd(worker)
    expect(await images.tags('app')).toHaveLength(300)
    mayDelete = true
    await runToTheEnd(worker)
    expect(await images.tags('app')).toHaveLength(200)
  })

  test('a policy that is changed or ended meanwhile removes nothing more as it was', async () => {
    await fillWithTags(registry, images, 'app', 500)
    const id = await create('app', newest(10))
    const key = { place: placeOf('app'), id }
    let steps = 0
    await using worker = await openWorker({
      atRetentionStep: async () => {
        steps += 1
        if (steps === 1) await changePolicy(registry.deps, registry.by, { ...key, rules: [newest(350)] })
      },
    })
    await runToTheEnd(worker)
    expect(await images.tags('app')).toHaveLength(350)
    await changePolicy(registry.deps, registry.by, { ...key, rules: [newest(10)] })
    expect(await images.tags('app')).toHaveLength(250)
    await removePolicy(registry.deps, registry.by, key)
    await runToTheEnd(worker)
    expect(await images.tags('app')).toHaveLength(250)
    expect(failures).toEqual([])
  })

  test('a repository that is deleted meanwhile is done with', async () => {
    await fillWithTags(registry, images, 'app', 500)
    await create('app', newest(10))
    let steps = 0
    await using worker = await openWorker({
      atRetentionStep: async () => {
        if (++steps === 1) await registry.deleteRepository('app')
      },
    })
    await runToTheEnd(worker)
    expect(failures).toEqual([])
    const { read } = opened.db
    const left = [
      await read.selectFrom('jobs').select('id').where('kind', '=', 'retention.apply').execute(),
      await read.selectFrom('retention_policies').select('id').execute(),
      await read.selectFrom('retention_log').select('id').execute(),
      await read.selectFrom('retention_rules').select('id').execute(),
    ]
    expect(left).toEqual([[], [], [], []])
  })

  test('a tag that is pushed again just before it goes stays', async () => {
    await fillWithTags(registry, images, 'app', 150)
    await create('app', newest(10))
    let steps = 0
    await using worker = await openWorker({
      atRetentionStep: async () => {
        registry.passMs(1)
        if (++steps === 1) await images.push('app', 'v30')
      },
    })
    await runToTheEnd(worker)
    expect(await images.tags('app')).toEqual([...Array.from({ length: 10 }, (_, at) => `v${140 + at}`), 'v30'].sort())
    expect(await logOf('app')).not.toContain('v30')
  })

  test('where one that was counted is deleted just before, an older one stays', async () => {
    await images.push('app', 'v0')
    await create('app', newest(100))
    await fillWithTags(registry, images, 'app', 150)
    let steps = 0
    await using worker = await openWorker({
      atRetentionStep: async step => {
        if (step === 'batch-planned' && ++steps === 1) await registry.deleteTag('app', 'v149')
      },
    })
    registry.passMs(dayMs)
    await runToTheEnd(worker)
    expect(steps).toBe(2)
    expect(await images.tags('app')).toEqual(Array.from({ length: 100 }, (_, at) => `v${49 + at}`).sort())
  })
})
