import { rm } from 'node:fs/promises'
import type { Reader } from '../database.ts'
import { publishFile } from '../publish-file.ts'
import { openConnection } from './connection.ts'
import { translateSqliteError } from './sqlite-errors.ts'

/** The database of a backup: read, and copied on, without a change to its folder, which may be a read-only medium. */
export type SqliteCopy = Disposable & { read: Reader; copyTo: (file: string) => Promise<void> }

/** Opens a file that `copyTo` made. Throws `unavailable` when it can't be read. */
export function openSqliteCopy(file: string): SqliteCopy {
  try {
    const connection = openConnection(file, ['busy_timeout = 5000'], 'read-only')
    return {
      read: connection.kysely,
      copyTo: target => vacuumInto(target, partial => connection.all('VACUUM INTO ?', [partial])),
      [Symbol.dispose]: () => connection.close(),
    }
  } catch (error) {
    throw translateSqliteError(error)
  }
}

/** Makes one durable file without a log of what `vacuum` writes; it takes the place of another. */
export async function vacuumInto(file: string, vacuum: (partial: string) => void): Promise<void> {
  const partial = `${file}.partial`
  await rm(partial, { force: true })
  try {
    vacuum(partial)
  } catch (error) {
    throw translateSqliteError(error)
  }
  await publishFile(partial, file)
}
