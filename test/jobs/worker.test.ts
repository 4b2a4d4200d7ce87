import { afterEach, beforeEach, expect, test } from 'bun:test'
import { openQueue } from '../../src/jobs/queue.ts'
import { type JobHandler, JobWorker } from '../../src/jobs/worker.ts'
import { openLogger } from '../../src/telemetry/logger.ts'
import { describeEngines, type TestDatabase } from '../databases.ts'

describeEngines('jobs', (_engine, open) => {
  let opened: TestDatabase
  let nowMs = 1_000_000
  const clock = { nowMs: () => nowMs }
  const log: string[] = []
  const logger = openLogger({ level: 'error', format: 'json', write: line => log.push(line) })

  beforeEach(async () => {
    opened = await open()
    nowMs = 1_000_000
    log.length = 0
  })
  afterEach(() => opened.dispose())

  const workerOf = (handlers: Record<string, JobHandler>) =>
    new JobWorker({ queue: openQueue(opened.db), handlers: new Map(Object.entries(handlers)), clock, logger })

  test('a job that is due runs once, however many workers look', async () => {
    const ran: string[] = []
    const queue = openQueue(opened.db)
    for (let number = 0; number < 20; number++) {
      await queue.ensure({ kind: 'once', subject: String(number), runAtMs: nowMs, nowMs })
    }
    const workers = Array.from({ length: 4 }, () =>
      workerOf({ once: { run: async job => void ran.push(job.subject) } }),
    )
    await Promise.all(workers.map(worker => worker.runDue()))
    expect(ran.sort()).toEqual(Array.from({ length: 20 }, (_, number) => String(number)).sort())
    expect(await opened.db.read.selectFrom('jobs').selectAll().execute()).toEqual([])
    for (const worker of workers) await worker[Symbol.asyncDispose]()
  })

  test('a job that deletes content waits while none may be deleted, and others go on', async () => {
    const ran: string[] = []
    const run: JobHandler['run'] = async job => void ran.push(job.kind)
    const queue = openQueue(opened.db)
    for (const kind of ['deletes', 'counts']) await queue.ensure({ kind, subject: '', runAtMs: nowMs, nowMs })
    let mayDelete = false
    await using worker = new JobWorker({
      ...{ queue, clock, logger, mayDelete: () => Promise.resolve(mayDelete) },
      handlers: new Map<string, JobHandler>([
        ['deletes', { deletesContent: true, run }],
        ['counts', { run }],
      ]),
    })
    await worker.runDue()
    expect(ran).toEqual(['counts'])
    mayDelete = true
    await worker.runDue()
    expect(ran).toEqual(['counts', 'deletes'])
  })

  test('a job that is not due yet waits', async () => {
    let runs = 0
    await openQueue(opened.db).ensure({ kind: 'later', subject: '', runAtMs: nowMs + 10, nowMs })
    await using worker = workerOf({ later: { run: async () => void runs++ } })
    await worker.runDue()
    expect(runs).toBe(0)
    nowMs += 10
    await worker.runDue()
    expect(runs).toBe(1)
  })

  test('a recurring job is put off, not removed, and is there once', async () => {
    let runs = 0
    await using worker = workerOf({ again: { everyMs: 1000, run: async () => void runs++ } })
    await worker.schedule()
    await worker.schedule()
    nowMs += 1000
    await worker.runDue()
    expect(runs).toBe(1)
    const rows = await opened.db.read.selectFrom('jobs').selectAll().execute()
    expect(rows).toHaveLength(1)
    expect(rows[0]?.run_at_ms).toBe(nowMs + 1000)
  })

  test('long work goes on part by part, each with what the one before it left in the row', async () => {
    const seen: string[] = []
    await using worker = workerOf({
      long: {
        everyMs: 1000,
        run: async job => {
          seen.push(job.payload)
          return seen.length % 3 === 0 ? undefined : { inMs: 10, payload: `after ${seen.length}` }
        },
      },
    })
    await worker.schedule()
    nowMs += 1000
    for (let part = 0; part < 3; part++) {
      await worker.runDue()
      nowMs += 10
    }
    expect(seen).toEqual(['{}', 'after 1', 'after 2'])
    const [row] = await opened.db.read.selectFrom('jobs').selectAll().execute()
    expect(row).toMatchObject({ payload: '{}', run_at_ms: nowMs - 10 + 1000 })
  })

  test('what the part of a job left stays in the row when the next part fails', async () => {
    let runs = 0
    await openQueue(opened.db).ensure({ kind: 'parts', subject: '', runAtMs: nowMs, nowMs })
    await using worker = workerOf({
      parts: {
        run: async () => {
          if (++runs === 2) throw new Error('not today')
          return { inMs: 10, payload: 'half' }
        },
      },
    })
    await worker.runDue()
    nowMs += 10
    await worker.runDue()
    expect(await opened.db.read.selectFrom('jobs').selectAll().execute()).toMatchObject([
      { payload: 'half', attempts: 1 },
    ])
  })

  test('a job that fails is logged once, kept, and tried again later', async () => {
    let runs = 0
    await openQueue(opened.db).ensure({ kind: 'shaky', subject: 'x', runAtMs: nowMs, nowMs })
    await using worker = workerOf({
      shaky: {
        run: async () => {
          runs++
          if (runs === 1) throw new Error('not today')
        },
      },
    })
    await worker.runDue()
    expect(log.filter(line => line.includes('not today'))).toHaveLength(1)
    const [kept] = await opened.db.read.selectFrom('jobs').selectAll().execute()
    expect(kept).toMatchObject({ attempts: 1, last_error: 'Error: not today', run_at_ms: nowMs + 5000 })
    nowMs += 5000
    await worker.runDue()
    expect(runs).toBe(2)
    expect(await opened.db.read.selectFrom('jobs').selectAll().execute()).toEqual([])
  })

  test('a job whose end can not be written is told by its name, holds up no other, and runs again', async () => {
    const queue = openQueue(opened.db)
    for (const subject of ['1', '2']) await queue.ensure({ kind: 'done', subject, runAtMs: nowMs, nowMs })
    const ran: string[] = []
    let isFull = true
    const finish: typeof queue.finish = job => (isFull ? Promise.reject(new Error('disk full')) : queue.finish(job))
    await using worker = new JobWorker({
      ...{ queue: { ...queue, finish }, clock, logger },
      handlers: new Map<string, JobHandler>([['done', { run: async job => void ran.push(job.subject) }]]),
    })
    await worker.runDue()
    expect(ran).toEqual(['1', '2'])
    expect(log.map(line => JSON.parse(line))).toMatchObject(
      ['1', '2'].map(subject => ({ job: 'done', subject, message: expect.stringContaining('could not be written') })),
    )
    isFull = false
    nowMs += 10 * 60_000
    await worker.runDue()
    expect(ran).toEqual(['1', '2', '1', '2'])
    expect(await opened.db.read.selectFrom('jobs').selectAll().execute()).toEqual([])
  })

  test('a worker that stops ends its job early and takes no other', async () => {
    const begun: string[] = []
    const isRunning = Promise.withResolvers<void>()
    const queue = openQueue(opened.db)
    for (const subject of ['1', '2', '3']) await queue.ensure({ kind: 'long', subject, runAtMs: nowMs, nowMs })
    const worker = workerOf({
      long: {
        run: async (job, signal) => {
          begun.push(job.subject)
          isRunning.resolve()
          if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve))
          signal.throwIfAborted()
        },
      },
    })
    const due = worker.runDue()
    await isRunning.promise
    await worker[Symbol.asyncDispose]()
    await due
    expect(begun).toHaveLength(1)
    expect(log).toEqual([])
    const rows = await opened.db.read.selectFrom('jobs').selectAll().execute()
    expect(rows.map(row => [row.attempts, row.lease_until_ms, row.run_at_ms])).toEqual(
      Array.from({ length: 3 }, () => [0, 0, nowMs]),
    )
  })

  test('a start that knows the holders to be dead lets their jobs go at once', async () => {
    const queue = openQueue(opened.db)
    await queue.ensure({ kind: 'held', subject: '', runAtMs: nowMs, nowMs })
    await queue.take(['held'], { id: 'dead', nowMs, leaseMs: 1000 })
    await queue.releaseAll()
    expect(await queue.take(['held'], { id: 'alive', nowMs, leaseMs: 1000 })).toMatchObject({ lease_id: 'alive' })
  })

  test('a job whose holder died is taken again when its lease ends, and the dead holder can no longer end it', async () => {
    const queue = openQueue(opened.db)
    await queue.ensure({ kind: 'held', subject: '', runAtMs: nowMs, nowMs })
    const dead = await queue.take(['held'], { id: 'dead', nowMs, leaseMs: 1000 })
    expect(await queue.take(['held'], { id: 'other', nowMs: nowMs + 999, leaseMs: 1000 })).toBeUndefined()
    const alive = await queue.take(['held'], { id: 'alive', nowMs: nowMs + 1000, leaseMs: 1000 })
    expect(alive?.lease_id).toBe('alive')
    if (dead) await queue.finish(dead)
    expect(await opened.db.read.selectFrom('jobs').select('lease_id').execute()).toEqual([{ lease_id: 'alive' }])
  })
})
