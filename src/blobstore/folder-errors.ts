import type { Stats } from 'node:fs'
import { opendir, stat } from 'node:fs/promises'
import { DomainError, isDomainError } from '../core/errors.ts'

export type FileCall = {
  /** Ends the sentence "The data folder failed while …". */
  doing: string
  /** What it means that the file is not there; left out where its absence is a fault of the folder. */
  absent?: 'upload_unknown' | 'blob_unknown'
}

/**
 * Runs file operations and turns what the system says into domain codes: no room → `storage_full`, no such file → the
 * code in `absent`, everything else → `unavailable`. The system's error stands in `cause`, its name in `detail.errno`.
 */
export async function translateErrors<T>(call: FileCall, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toDomainError(call, error)
  }
}

/** The same for an error that came by callback. */
export function toDomainError({ doing, absent }: FileCall, error: unknown): DomainError {
  if (isDomainError(error)) return error
  const errno = errnoOf(error)
  if (absent !== undefined && (errno === 'ENOENT' || errno === 'ENOTDIR')) {
    return new DomainError(absent, `Nothing is there while ${doing}.`, { errno }, { cause: error })
  }
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    const message = `The data folder has no room left while ${doing}; free some space or enlarge its file system.`
    return new DomainError('storage_full', message, { errno }, { cause: error })
  }
  return new DomainError('unavailable', `The data folder failed while ${doing}.`, { errno }, { cause: error })
}

/** What is wrong with a data folder that cannot be used, as `unavailable` with a sentence for the operator. */
export function toCheckError(dataDir: string, error: unknown): DomainError {
  const errno = errnoOf(error)
  const reason = checkReasons[errno] ?? `cannot be read and written (${errno}): look at the system's log`
  const message = `The data folder ${dataDir} ${reason}.`
  return new DomainError('unavailable', message, { dataDir, errno }, { cause: error })
}

/** The system's name of an error, such as `ENOENT`; `UNKNOWN` when it has none. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN'
}

/** Resolves where `work` fails because the file is not there, which is what its caller wanted. */
export async function ignoreAbsent(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}

/** What is in a folder, nothing where it is no folder. */
export async function ignoreMissingFolder(names: Promise<string[]>): Promise<string[]> {
  try {
    return await names
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw error
  }
}

/** Throws the system's error where no folder is at `path`. */
export async function requireFolder(path: string): Promise<void> {
  await (await opendir(path)).close()
}

/** What the system knows of a file; undefined when it is not there. */
export async function findStats(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

const checkReasons: Readonly<Record<string, string>> = {
  ENOENT: 'is not there, or lost its folders: mount it again, or start again to have them made',
  ENOTDIR: 'is not a folder: name another one',
  EACCES: 'may not be used by the user that this process runs as: change its owner',
  EPERM: 'may not be used by the user that this process runs as: change its owner',
  EROFS: 'is on a read-only file system: mount it for writing, after a look at why it became so',
  ENOSPC: 'has no room left: free some space or enlarge its file system',
  EDQUOT: 'has used up its quota: free some space or raise the quota',
  EXDEV:
    'spreads over two file systems: keep its blobs and uploads folders on one, a rename must reach from one to the other',
  EMFILE: 'cannot be opened: this process may have no more open files, raise its limit (ulimit -n)',
}
