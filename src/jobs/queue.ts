import type { Database } from '../metadata/database.ts'
import type { Row } from '../metadata/tables.ts'
import { claimDueJob, finishJob, insertJob, type Postponement, postponeJob, releaseJobs } from './queries.ts'

export type Job = Row<'jobs'>

/** What can be done with job rows; each job is held by one worker of one process at a time. */
export type Queue = {
  /** Makes sure that a job of this kind and subject exists; one that does is left as it is. */
  ensure: (job: { kind: string; subject: string; runAtMs: number; nowMs: number }) => Promise<void>
  /** Lets every job go: for a start that knows that whoever held one is dead. */
  releaseAll: () => Promise<void>
  /** Takes the job that is due longest, for `leaseMs`. */
  take: (kinds: readonly string[], lease: { id: string; nowMs: number; leaseMs: number }) => Promise<Job | undefined>
  /** Removes a job that is done, if it is still held under this lease. */
  finish: (job: Job) => Promise<void>
  /** Lets a job go until `runAtMs`, if it is still held under this lease; its payload stays unless one is given. */
  postpone: (job: Job, next: Postponement) => Promise<void>
}

export function openQueue(db: Database): Queue {
  return {
    ensure: job => db.write(tx => insertJob(tx, job), { survives: 'crash' }),
    releaseAll: () => db.write(releaseJobs, { survives: 'crash' }),
    take: (kinds, lease) => db.write(tx => claimDueJob(tx, db.engine, kinds, lease), { survives: 'crash' }),
    finish: job => db.write(tx => finishJob(tx, job), { survives: 'crash' }),
    postpone: (job, next) => db.write(tx => postponeJob(tx, job, next), { survives: 'crash' }),
  }
}
