import { DomainError } from '../../core/errors.ts'

/** True for the code of a bun:sqlite error, e.g. `SQLITE_BUSY` or `SQLITE_FULL`. */
export function isSqliteError(error: unknown, ...codes: string[]): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return codes.some(wanted => code === wanted || code.startsWith(`${wanted}_`))
}

/** As `translateSqliteError`, but a change tried outside of `write` stays what it is: a defect of this program. */
export function translateSqliteQueryError(error: unknown): unknown {
  return error instanceof Error && 'code' in error && error.code === 'SQLITE_READONLY'
    ? error
    : translateSqliteError(error)
}

/** SQLite's errors as codes of core; everything else passes unchanged. */
export function translateSqliteError(error: unknown): unknown {
  if (isSqliteError(error, 'SQLITE_FULL')) {
    return new DomainError(
      'storage_full',
      'the disk of the database is full: free space in the data folder',
      {},
      { cause: error },
    )
  }
  if (isSqliteError(error, 'SQLITE_BUSY')) {
    return new DomainError(
      'unavailable',
      'another process keeps the database locked: look for a hanging stower command',
      {},
      { cause: error },
    )
  }
  if (isSqliteError(error, 'SQLITE_IOERR', 'SQLITE_CORRUPT', 'SQLITE_READONLY', 'SQLITE_CANTOPEN')) {
    return new DomainError(
      'unavailable',
      'the database file cannot be read or written: check the data folder, its owner and its disk',
      {},
      { cause: error },
    )
  }
  return error
}

/** As `translateSqliteError`, for what goes wrong while a copy is written to `file`. */
export function translateCopyError(file: string, error: unknown): unknown {
  const origin = error instanceof DomainError ? error.cause : error
  if (isSqliteError(origin, 'SQLITE_FULL', 'ENOSPC', 'EDQUOT')) {
    const message = `there is no room for ${file}: free some there, or choose another place`
    return new DomainError('storage_full', message, {}, { cause: error })
  }
  if (isSqliteError(origin, 'SQLITE_CANTOPEN', 'SQLITE_READONLY', 'SQLITE_IOERR_WRITE', 'SQLITE_IOERR_FSYNC')) {
    return new DomainError(
      'unavailable',
      `${file} cannot be written: look at its folder and disk`,
      {},
      { cause: error },
    )
  }
  return translateSqliteError(error)
}
