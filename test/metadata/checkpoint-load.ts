import { statSync } from 'node:fs'
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

/** A write that waited so long was held up by something that it should not have to wait for. */
export const heldUpMs = 5_000

/** Writes rows of 2 KB from so many clients at once, until it is enough; gives up after half a minute. */
export async function writeUntil(
  db: SqliteDatabase,
  load: { clients: number; isEnough: (rows: number) => boolean },
): Promise<Written> {
  const keys: string[] = []
  let slowestMs = 0
  const giveUpAt = performance.now() + 30_000
  const write = async (client: number) => {
    for (let number = 0; !load.isEnough(keys.length); number++) {
      if (performance.now() > giveUpAt) throw new Error(`it was not enough after ${keys.length} rows`)
      const key = `${giveUpAt}-${client}-${number}`
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

/** Counts how often the log of a database became smaller, as far as looking tells. */
export function watchLog(file: string): { timesMoved: () => number } & Disposable {
  let size = 0
  let moved = 0
  const timer = setInterval(() => {
    const now = statSync(`${file}-wal`).size
    if (now < size) moved++
    size = now
  }, 5)
  return { timesMoved: () => moved, [Symbol.dispose]: () => clearInterval(timer) }
}
