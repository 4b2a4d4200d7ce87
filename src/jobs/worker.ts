import { randomUUID } from 'node:crypto'
import type { Logger } from '../telemetry/logger.ts'
import type { Job, Queue } from './queue.ts'

/** Work of one kind. What it throws is logged, kept in the row, and tried again later. */
export type JobHandler = {
  /** Runs again and again with this pause, as one row with the subject ''; without it a job is done when it is done. */
  everyMs?: number
  /** Waits while content may not be deleted; what recurs is then due as soon as it may. */
  deletesContent?: true
  /**
   * `signal` aborts when the worker stops: what throws then is not a failure and runs again at the next start. Long work
   * is done in parts, so that the other jobs get their turn: each part answers how the next one goes on.
   */
  run: (job: Job, signal: AbortSignal) => Promise<NextPart | undefined>
}

/** A part that is to follow: after a pause, with this payload in the job's row. */
export type NextPart = { inMs: number; payload: string }

const leaseMs = 10 * 60_000
const longestRetryMs = 60 * 60_000

/**
 * Takes jobs by lease and runs them one at a time. Any number of processes may do so: a job whose holder died is taken
 * again when its lease ends, so a handler must bear being run twice.
 */
export class JobWorker implements AsyncDisposable {
  readonly #queue: Queue
  readonly #handlers: ReadonlyMap<string, JobHandler>
  readonly #clock: { nowMs: () => number }
  readonly #logger: Logger
  readonly #mayDelete: () => Promise<boolean>
  readonly #timer: Timer
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined

  constructor(deps: {
    queue: Queue
    handlers: ReadonlyMap<string, JobHandler>
    clock: { nowMs: () => number }
    logger: Logger
    /** Whether content may be deleted now; it may unless this is given. */
    mayDelete?: () => Promise<boolean>
    lookEveryMs?: number
  }) {
    this.#queue = deps.queue
    this.#handlers = deps.handlers
    this.#clock = deps.clock
    this.#logger = deps.logger
    this.#mayDelete = deps.mayDelete ?? (() => Promise.resolve(true))
    this.#timer = setInterval(() => this.#wake(), deps.lookEveryMs ?? 5_000)
    this.#timer.unref()
  }

  /** Puts the recurring jobs into the table, where they are not there yet. */
  async schedule(): Promise<void> {
    const nowMs = this.#clock.nowMs()
    for (const [kind, { everyMs }] of this.#handlers) {
      if (everyMs !== undefined) await this.#queue.ensure({ kind, subject: '', runAtMs: nowMs + everyMs, nowMs })
    }
  }

  /** Runs everything that is due now, or until the worker stops. */
  async runDue(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const lease = { id: randomUUID(), nowMs: this.#clock.nowMs(), leaseMs }
      const job = await this.#queue.take(await this.#kinds(), lease)
      if (!job) return
      await this.#run(job)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort()
    await this.#running
  }

  /** What may be run now. */
  async #kinds(): Promise<string[]> {
    const mayDelete = await this.#mayDelete()
    return [...this.#handlers].filter(([, handler]) => mayDelete || !handler.deletesContent).map(([kind]) => kind)
  }

  #wake(): void {
    this.#running ??= this.runDue()
      .catch(error => this.#logger.error({ error }, 'no job could be taken'))
      .finally(() => {
        this.#running = undefined
      })
  }

  async #run(job: Job): Promise<void> {
    const handler = this.#handlers.get(job.kind)
    if (!handler) return
    const settle = await this.#work(handler, job)
    try {
      await settle()
    } catch (error) {
      const fields = { error, job: job.kind, subject: job.subject }
      this.#logger.error(fields, 'what became of a job could not be written: it runs again when its lease is over')
    }
  }

  /** Runs a job; resolves to what is to be written of it. */
  async #work(handler: JobHandler, job: Job): Promise<() => Promise<void>> {
    const nowMs = () => this.#clock.nowMs()
    try {
      const next = await handler.run(job, this.#stop.signal)
      if (!next && handler.everyMs === undefined) return () => this.#queue.finish(job)
      const runAtMs = nowMs() + (next?.inMs ?? handler.everyMs ?? 0)
      return () => this.#queue.postpone(job, { runAtMs, attempts: 0, error: null, payload: next?.payload ?? '{}' })
    } catch (error) {
      if (this.#stop.signal.aborted) {
        return () => this.#queue.postpone(job, { runAtMs: nowMs(), attempts: job.attempts, error: job.last_error })
      }
      const waitMs = Math.min(longestRetryMs, 5_000 * 2 ** job.attempts)
      this.#logger.error({ error, job: job.kind, subject: job.subject, retryMs: waitMs }, 'job failed')
      const reason = String(error).slice(0, 1000)
      return () => this.#queue.postpone(job, { runAtMs: nowMs() + waitMs, attempts: job.attempts + 1, error: reason })
    }
  }
}
