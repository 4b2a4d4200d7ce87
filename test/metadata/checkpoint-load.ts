import { migrate } from '../../src/metadata/migrate.ts'
import { openSqlite, type SqliteDatabase } from '../../src/metadata/sqlite/database.ts'

export const logBytes = 512 * 1024

/** A database whose log is moved into the file as soon as half a MiB is in it. */
export async function openWithCheckpoints(file: string, failures: string[]): Promise<SqliteDatabase> {
  const db = await openSqlite({
    file,
    checkpoints: 'background',
    checkpointPace: { lookEveryMs: 40, logBytes },
    onCheckpointFailure: message => failures.push(message),
  })
  await migrate(db, { copyFile: () => `${file}.copy`, nowMs: 1 })
  return db
}

export type Written = {
  /** Keys in `settings` of all writes that were answered. */
  keys: string[]
  /** The longest that one write waited for its answer. */
  slowestMs: number
}

/** Writes a row of 2 KB again and again, from so many clients at once. */
export async function writeFor(db: SqliteDatabase, load: { ms: number; clients: number }): Promise<Written> {
  const keys: string[] = []
  let slowestMs = 0
  const endAt = performance.now() + load.ms
  const write = async (client: number) => {
    for (let number = 0; performance.now() < endAt; number++) {
      const key = `${Math.round(endAt)}-${client}-${number}`
      const begunAt = performance.now()
      await db.write(tx =>
        tx
          .insertInto('settings')
          .values({ key, value: key.padEnd(2_000, '.') })
          .execute(),
      )
      slowestMs = Math.max(slowestMs, performance.now() - begunAt)
      keys.push(key)
    }
  }
  await Promise.all(Array.from({ length: load.clients }, (_, client) => write(client)))
  return { keys, slowestMs }
}
