import { randomBytes } from 'node:crypto'
import { link, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AccountsDeps } from '../core/accounts/deps.ts'
import { DomainError } from '../core/errors.ts'
import { hasEncryptionCheck } from '../identity/sealing.ts'

/**
 * The installation's encryption key: the configured one, else the content of `<data>/encryption.key`, which is made (0600,
 * durable) for a store that was never opened with a key. A file that is gone is refused (`unavailable`): a new key would
 * open nothing.
 */
export async function obtainEncryptionKey(
  deps: Pick<AccountsDeps, 'db'> & { dataDir: string; configured?: string | undefined; syncs?: boolean },
): Promise<string> {
  if (deps.configured !== undefined) return deps.configured
  const file = join(deps.dataDir, 'encryption.key')
  const kept = await readKeyFile(file)
  if (kept !== undefined) return kept
  if (await hasEncryptionCheck(deps)) {
    throw new DomainError(
      'unavailable',
      `the encryption key is missing: this database was made with one, and ${file} is not there. Put the file back from a backup, or set STOWER_ENCRYPTION_KEY to the key`,
      { file },
    )
  }
  await makeKeyFile(file, deps.syncs ?? true)
  return (await readKeyFile(file)) ?? fail(file)
}

async function readKeyFile(file: string): Promise<string | undefined> {
  try {
    const key = (await readFile(file, 'utf8')).trim()
    return key === '' ? fail(file) : key
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined
    if (cause instanceof DomainError) throw cause
    throw new DomainError('unavailable', `the encryption key cannot be read from ${file}`, { file }, { cause })
  }
}

/** Whole or not at all, and never over a key that another process made meanwhile. */
async function makeKeyFile(file: string, syncs: boolean): Promise<void> {
  const draft = `${file}.${randomBytes(8).toString('hex')}`
  try {
    const handle = await open(draft, 'wx', 0o600)
    try {
      await handle.writeFile(`${randomBytes(32).toString('base64')}\n`)
      if (syncs) await handle.sync()
    } finally {
      await handle.close()
    }
    await link(draft, file).catch(error => {
      if (codeOf(error) !== 'EEXIST') throw error
    })
    await rm(draft)
    if (!syncs) return
    const folder = await open(join(file, '..'), 'r')
    await folder.sync()
    await folder.close()
  } catch (cause) {
    await rm(draft, { force: true })
    if (codeOf(cause) === 'ENOSPC') throw new DomainError('storage_full', `no space left for ${file}`, {}, { cause })
    throw new DomainError('unavailable', `the encryption key cannot be written to ${file}`, { file }, { cause })
  }
}

function fail(file: string): never {
  throw new DomainError('unavailable', `the encryption key in ${file} is empty: put the file back from a backup`, {
    file,
  })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
