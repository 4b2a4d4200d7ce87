import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDurableFolder } from '../blobstore/durable-folders.ts'
import { DomainError, isDomainError } from '../core/errors.ts'

/**
 * Fills a folder that is empty, or that is made, with `entries`; all or nothing: where `work` throws, what it made there is
 * taken away again, so that it can be tried anew. What the system says of the folder becomes a sentence that names it
 * (`unavailable`, `storage_full`); `otherwise` is the one for a folder that holds something.
 */
export async function fillFolder<T>(
  folder: string,
  { entries, otherwise }: { entries: readonly string[]; otherwise: string },
  work: () => Promise<T>,
): Promise<T> {
  try {
    await makeDurableFolder(folder)
    if ((await readdir(folder)).length > 0) throw new DomainError('unavailable', otherwise)
  } catch (error) {
    throw refusalOf(folder, error)
  }
  try {
    return await work()
  } catch (error) {
    for (const entry of entries) await rm(join(folder, entry), { recursive: true, force: true }).catch(() => {})
    throw refusalOf(folder, error)
  }
}

/** Other errors than the system's pass unchanged. */
function refusalOf(folder: string, error: unknown): unknown {
  if (isDomainError(error)) return error
  const errno = error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined
  if (errno === undefined) return error
  const reason = reasons[errno] ?? `cannot be written (${errno}): look at the system's log`
  const code = errno === 'ENOSPC' || errno === 'EDQUOT' ? 'storage_full' : 'unavailable'
  return new DomainError(code, `the folder ${folder} ${reason}`, { folder, errno }, { cause: error })
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'has not enough room: free some on its disk, or choose another folder',
  EDQUOT: 'has not enough room: raise its quota, or choose another folder',
  EACCES: 'may not be written by this user: change its owner, or choose another folder',
  EPERM: 'may not be written by this user: change its owner, or choose another folder',
  EROFS: 'is on a read-only file system: choose another folder',
  ENOTDIR: 'is not a folder: choose another one',
  EEXIST: 'is not a folder: choose another one',
}
