import { sql } from 'kysely'
import type { Database, Transaction } from '../src/metadata/database.ts'

type Body<Result> = (tx: Transaction) => Promise<Result>

export type InOrder = <A, B>(first: Body<A>, second: Body<B>) => Promise<[first: A, second: B]>

/**
 * Runs two transactions of PostgreSQL side by side: `second` from when `first` has done its work until it waits for a row or
 * ends; only then `first` commits.
 */
export async function runInOrder<A, B>(db: Database, first: Body<A>, second: Body<B>): Promise<[first: A, second: B]> {
  return commandsInOrder(
    db,
    through => through.write(first),
    () => db.write(second),
  )
}

/** The same with commands, which begin their transactions themselves: `first` through the database that it is given. */
export async function commandsInOrder<A, B>(
  db: Database,
  first: (through: Database) => Promise<A>,
  second: () => Promise<B>,
): Promise<[first: A, second: B]> {
  const done = Promise.withResolvers<void>()
  const commit = Promise.withResolvers<void>()
  const through: Database = {
    engine: db.engine,
    read: db.read,
    prepare: (name, text) => db.prepare(name, text),
    version: of => db.version(of),
    check: () => db.check(),
    copyTo: file => db.copyTo(file),
    write: (body, options) =>
      db.write(async tx => {
        const result = await body(tx)
        done.resolve()
        await commit.promise
        return result
      }, options),
    [Symbol.asyncDispose]: async () => {},
  }
  const one = first(through)
  await Promise.race([done.promise, one])
  const two = second()
  await overOrWaiting(db, two)
  commit.resolve()
  return [await one, await two]
}

/** Resolves when the work is over, or stands before a row that another transaction holds. */
export async function overOrWaiting(db: Database, work: Promise<unknown>): Promise<void> {
  let isOver = false
  const end = () => {
    isOver = true
  }
  work.then(end, end)
  while (!isOver && !(await isAnyoneWaiting(db))) await Promise.resolve()
}

async function isAnyoneWaiting({ read }: Database): Promise<boolean> {
  const { rows } = await sql`
    select pid from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(read)
  return rows.length > 0
}
