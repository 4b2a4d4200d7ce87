import type { Database, Transaction } from '../metadata/database.ts'
import { skipLockedRow } from '../metadata/dialects.ts'
import type { Row } from '../metadata/tables.ts'

export async function insertJob(
  tx: Transaction,
  job: { kind: string; subject: string; runAtMs: number; nowMs: number },
): Promise<void> {
  await tx
    .insertInto('jobs')
    .values({
      kind: job.kind,
      subject: job.subject,
      payload: '{}',
      run_at_ms: job.runAtMs,
      attempts: 0,
      lease_id: null,
      lease_until_ms: 0,
      last_error: null,
      created_ms: job.nowMs,
    })
    .onConflict(conflict => conflict.doNothing())
    .execute()
}

export async function releaseJobs(tx: Transaction): Promise<void> {
  await tx.updateTable('jobs').set({ lease_id: null, lease_until_ms: 0 }).where('lease_id', 'is not', null).execute()
}

/** Takes the job that is due longest and held by nobody. */
export async function claimDueJob(
  tx: Transaction,
  engine: Database['engine'],
  kinds: readonly string[],
  lease: { id: string; nowMs: number; leaseMs: number },
): Promise<Row<'jobs'> | undefined> {
  const due = tx
    .selectFrom('jobs')
    .select('id')
    .where('run_at_ms', '<=', lease.nowMs)
    .where('lease_until_ms', '<=', lease.nowMs)
    .where('kind', 'in', kinds)
    .orderBy('run_at_ms')
    .orderBy('id')
    .limit(1)
  const found = await skipLockedRow(engine, due).executeTakeFirst()
  if (!found) return undefined
  return tx
    .updateTable('jobs')
    .set({ lease_id: lease.id, lease_until_ms: lease.nowMs + lease.leaseMs })
    .where('id', '=', found.id)
    .returningAll()
    .executeTakeFirst()
}

export async function finishJob(tx: Transaction, job: Row<'jobs'>): Promise<void> {
  await tx.deleteFrom('jobs').where('id', '=', job.id).where('lease_id', '=', job.lease_id).execute()
}

export type Postponement = { runAtMs: number; attempts: number; error: string | null; payload?: string }

export async function postponeJob(tx: Transaction, job: Row<'jobs'>, next: Postponement): Promise<void> {
  await tx
    .updateTable('jobs')
    .set({
      run_at_ms: next.runAtMs,
      attempts: next.attempts,
      last_error: next.error,
      ...(next.payload !== undefined && { payload: next.payload }),
      lease_id: null,
      lease_until_ms: 0,
    })
    .where('id', '=', job.id)
    .where('lease_id', '=', job.lease_id)
    .execute()
}
