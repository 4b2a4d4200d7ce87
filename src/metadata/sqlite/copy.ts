import { rm } from 'node:fs/promises'
import type { Reader } from '../database.ts'
import { publishFile } from '../publish-file.ts'
import { openConnection } from './connection.ts'
import { translateCopyError, translateSqliteError } from './sqlite-errors.ts'

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
  await makeCopy(file, async partial => vacuum(partial))
}

/**
 * What `write` puts into a file of its own becomes `file`, whole or not at all. Errors of writing it are told as such
 * (`storage_full`, `unavailable`): they are not about the database that is copied.
 */
export async function makeCopy(file: string, write: (partial: string) => Promise<void>): Promise<void> {
  const partial = `${file}.partial`
  await rm(partial, { force: true })
  try {
    await write(partial)
    await publishFile(partial, file)
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {})
    throw translateCopyError(file, error)
  }
}
