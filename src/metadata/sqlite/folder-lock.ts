import { Database as Connection } from 'bun:sqlite'
import { DomainError } from '../../core/errors.ts'
import { isSqliteError, translateSqliteError } from './sqlite-errors.ts'

/**
 * Makes this process the only server of a data folder until disposed. The lock is an exclusive transaction on
 * `lock.db`: the kernel frees it with the process, so a crash leaves nothing behind to clean up.
 * Throws `unavailable` when another server holds the folder.
 */
export function lockFolder(dataDir: string): Disposable {
  let connection: Connection | undefined
  try {
    connection = new Connection(`${dataDir}/lock.db`, { create: true, readwrite: true })
    connection.exec('PRAGMA journal_mode = DELETE; PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (error) {
    connection?.close()
    if (!isSqliteError(error, 'SQLITE_BUSY')) throw translateSqliteError(error)
    throw new DomainError(
      'unavailable',
      `another stower serves the data folder ${dataDir}: stop it first, or give this one its own folder with --data-dir`,
      {},
      { cause: error },
    )
  }
  const held = connection
  return { [Symbol.dispose]: () => held.close() }
}
