import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobLocation } from '../blobstore/blobstore.ts'
import { syncFolder } from '../blobstore/durable-folders.ts'
import { openContentCopy } from '../blobstore/folder-copy.ts'
import type { Config } from '../config.ts'
import { deleteMaintenance } from '../core/access/queries.ts'
import { hasAccount } from '../core/accounts/queries.ts'
import { listBlobLocations } from '../core/blobs/queries.ts'
import { deleteAllSessions } from '../core/blobs/sessions/queries.ts'
import { DomainError } from '../core/errors.ts'
import { holdContent } from '../core/gc/holds.ts'
import { deleteRules } from '../core/gc/sweep-rules.ts'
import type { Transaction } from '../metadata/database.ts'
import { migrate } from '../metadata/migrate.ts'
import type { PostgresDatabase } from '../metadata/postgres/database.ts'
import { openSqliteCopy } from '../metadata/sqlite/copy.ts'
import { openSqlite } from '../metadata/sqlite/database.ts'
import { lockFolder } from '../metadata/sqlite/folder-lock.ts'
import type { Row } from '../metadata/tables.ts'
import { copyIntoPostgres } from '../metadata/transfer.ts'
import { type Digest, digestFromBytes } from '../protocol/oci/digest.ts'
import { fillFolder } from './filling-a-folder.ts'
import { databaseFile, openInstallation } from './installation.ts'
import { openCommandLogger } from './logs.ts'

/*
 * A backup is a data folder of its own: stower.db, blobs/, and the encryption key where it is a file. The database is
 * copied first, at one moment; every blob it mentions was durable before that moment, and no sweep removes any until the
 * copy is done. So the copy is whole however much is pushed and deleted meanwhile.
 */

const keyFile = 'encryption.key'
const locationsPerPage = 500

/** What either makes in its folder. */
const entries = [
  databaseFile,
  `${databaseFile}-wal`,
  `${databaseFile}-shm`,
  `${databaseFile}.partial`,
  'blobs',
  keyFile,
]

/** `lost` is how many blobs have a row and no bytes, or not all of them, where they were copied from. */
export type CopiedInstallation = { blobs: number; lost: number; hasKey: boolean }

/** Told of each blob that is lost, before the copy is done. */
export type OnLost = (digest: Digest) => void

/**
 * Copies a running installation into an empty folder, without the blobs that it has lost. Throws `unavailable` when the
 * folder is not empty or can't be written, `storage_full` when it has no room; then nothing is left in it. A test does
 * what may happen between the two copies in `betweenCopies`.
 */
export async function backUp(
  config: Config,
  folder: string,
  { onLost = () => {}, betweenCopies }: { onLost?: OnLost; betweenCopies?: () => Promise<void> } = {},
): Promise<CopiedInstallation> {
  await using installation = await openInstallation({ config, logger: openCommandLogger() }, 'command')
  const otherwise = `${folder} is not empty: back up into a folder of its own`
  return await fillFolder(folder, { entries, otherwise }, async () => {
    await using _hold = await holdContent(installation, 'a backup is being copied')
    await installation.db.copyTo(join(folder, databaseFile))
    await betweenCopies?.()
    const copied = await copyBlobs({ databaseFolder: folder, from: config.dataDir, to: folder, onLost })
    const hasKey = config.encryptionKey === undefined && (await copyKey(config.dataDir, folder))
    await syncFolder(folder)
    return { ...copied, hasKey }
  })
}

/**
 * Makes an installation from a backup. The data folder (and PostgreSQL, where it is used) must be empty; blobs come
 * first, so that nothing is mentioned that is not there, but for what the backup lacks. Throws `unavailable` with what to
 * do, and `storage_full`.
 */
export async function restore(
  config: Config,
  folder: string,
  { onLost = () => {} }: { onLost?: OnLost } = {},
): Promise<CopiedInstallation> {
  const source = join(folder, databaseFile)
  if (!(await Bun.file(source).exists())) {
    throw new DomainError('unavailable', `${folder} holds no backup: no ${source}`)
  }
  await using postgres = await openEmptyPostgres(config)
  const { dataDir } = config
  const otherwise = `the data folder ${dataDir} is not empty: restore into an empty one`
  return await fillFolder(dataDir, { entries: [...entries, 'lock.db'], otherwise }, async () => {
    using _lock = lockFolder(dataDir)
    const copied = await copyBlobs({ databaseFolder: folder, from: folder, to: dataDir, onLost })
    const hasKey = config.encryptionKey === undefined && (await copyKey(folder, dataDir))
    if (postgres) {
      await migrate(postgres, {
        copyFile: from => join(dataDir, `before-upgrade-from-schema-${from}.db`),
        nowMs: Date.now(),
      })
      await postgres.withClient(client => copyIntoPostgres(client, source))
      await postgres.write(beginAnew)
    } else {
      const target = join(dataDir, databaseFile)
      {
        using copy = openSqliteCopy(source)
        await copy.copyTo(target)
      }
      await using db = await openSqlite({ file: target, checkpoints: 'on-close' })
      await db.write(beginAnew)
    }
    await syncFolder(dataDir)
    return { ...copied, hasKey }
  })
}

/** Bytes of uploads under way are no part of a backup; its maintenance and its sweeps were another installation's. */
async function beginAnew(tx: Transaction): Promise<void> {
  await deleteAllSessions(tx)
  await deleteMaintenance(tx)
  await deleteRules(tx)
}

/** The PostgreSQL that is restored into, where one is used. Throws `unavailable` when it holds an installation. */
async function openEmptyPostgres(config: Config): Promise<PostgresDatabase | undefined> {
  if (config.metadata.kind !== 'postgres') return undefined
  const { openPostgres } = await import('../metadata/postgres/database.ts')
  await using opened = new AsyncDisposableStack()
  const db = opened.use(await openPostgres({ url: config.metadata.url }))
  if ((await db.hasSchema()) && (await hasAccount(db.read))) {
    throw new DomainError('unavailable', 'the PostgreSQL database is not empty: give a fresh one')
  }
  opened.move()
  return db
}

/** Copies every blob that a copied database mentions. */
async function copyBlobs(copying: {
  databaseFolder: string
  from: string
  to: string
  onLost: OnLost
}): Promise<{ blobs: number; lost: number }> {
  using copied = openSqliteCopy(join(copying.databaseFolder, databaseFile))
  const content = openContentCopy(copying.from, copying.to)
  const sums = { blobs: 0, lost: 0 }
  const copy = async ({ digest, location, size_bytes }: Pick<Row<'blobs'>, 'digest' | 'location' | 'size_bytes'>) => {
    const isCopied = await content.copy({ location: location as BlobLocation, sizeBytes: size_bytes })
    sums[isCopied ? 'blobs' : 'lost']++
    if (!isCopied) copying.onLost(digestFromBytes(digest))
  }
  let after = new Uint8Array()
  for (;;) {
    const page = await listBlobLocations(copied.read, { after, limit: locationsPerPage })
    // All of them have ended when the first error is thrown, so that nothing is written behind whoever tidies up.
    const outcomes = await Promise.allSettled(page.map(copy))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    const last = page.at(-1)
    if (!last || page.length < locationsPerPage) break
    after = new Uint8Array(last.digest)
  }
  await content.sync()
  return sums
}

async function copyKey(from: string, to: string): Promise<boolean> {
  const source = Bun.file(join(from, keyFile))
  if (!(await source.exists())) return false
  const target = await open(join(to, keyFile), 'wx', 0o600)
  await target.writeFile(await source.text())
  await target.sync()
  await target.close()
  return true
}
