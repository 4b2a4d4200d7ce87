import { mkdir, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobLocation } from '../blobstore/blobstore.ts'
import { syncFolder } from '../blobstore/durable-folders.ts'
import { copyContent } from '../blobstore/folder-copy.ts'
import type { Config } from '../config.ts'
import { deleteMaintenance } from '../core/access/queries.ts'
import { hasAccount } from '../core/accounts/queries.ts'
import { deleteAllSessions, listBlobLocations } from '../core/blobs/queries.ts'
import { DomainError } from '../core/errors.ts'
import { holdContent } from '../core/gc/holds.ts'
import type { Transaction } from '../metadata/database.ts'
import { migrate } from '../metadata/migrate.ts'
import type { PostgresDatabase } from '../metadata/postgres/database.ts'
import { openSqliteCopy } from '../metadata/sqlite/copy.ts'
import { openSqlite } from '../metadata/sqlite/database.ts'
import { lockFolder } from '../metadata/sqlite/folder-lock.ts'
import { copyIntoPostgres } from '../metadata/transfer.ts'
import { databaseFile, openInstallation, prepareFolder } from './installation.ts'
import { openCommandLogger } from './logs.ts'

/*
 * A backup is a data folder of its own: stower.db, blobs/, and the encryption key where it is a file. The database is
 * copied first, at one moment; every blob it mentions was durable before that moment, and no sweep removes any until the
 * copy is done. So the copy is whole however much is pushed and deleted meanwhile.
 */

const keyFile = 'encryption.key'
const locationsPerPage = 500

export type CopiedInstallation = { blobs: number; hasKey: boolean }

/**
 * Copies a running installation into an empty folder. Throws `unavailable` when the folder is not empty. A test does what
 * may happen between the two copies in `betweenCopies`.
 */
export async function backUp(
  config: Config,
  folder: string,
  betweenCopies?: () => Promise<void>,
): Promise<CopiedInstallation> {
  await using installation = await openInstallation({ config, logger: openCommandLogger() }, 'command')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await requireEmpty(folder, `${folder} is not empty: back up into a folder of its own`)
  await using _hold = await holdContent(installation, 'a backup is being copied')
  await installation.db.copyTo(join(folder, databaseFile))
  await betweenCopies?.()
  const blobs = await copyBlobs(folder, config.dataDir, folder)
  const hasKey = config.encryptionKey === undefined && (await copyKey(config.dataDir, folder))
  await syncFolder(folder)
  return { blobs, hasKey }
}

/**
 * Makes an installation from a backup. The data folder (and PostgreSQL, where it is used) must be empty; blobs come
 * first, so that nothing is mentioned that is not there. Throws `unavailable` with what to do.
 */
export async function restore(config: Config, folder: string): Promise<CopiedInstallation> {
  const source = join(folder, databaseFile)
  if (!(await Bun.file(source).exists())) {
    throw new DomainError('unavailable', `${folder} holds no backup: no ${source}`)
  }
  await using postgres = await openEmptyPostgres(config)
  await prepareFolder(config.dataDir)
  await requireEmpty(config.dataDir, `the data folder ${config.dataDir} is not empty: restore into an empty one`)
  using _lock = lockFolder(config.dataDir)
  const blobs = await copyBlobs(folder, folder, config.dataDir)
  const hasKey = config.encryptionKey === undefined && (await copyKey(folder, config.dataDir))
  if (postgres) {
    await migrate(postgres, {
      copyFile: from => join(config.dataDir, `before-upgrade-from-schema-${from}.db`),
      nowMs: Date.now(),
    })
    await postgres.withClient(client => copyIntoPostgres(client, source))
    await postgres.write(beginAnew)
  } else {
    const target = join(config.dataDir, databaseFile)
    {
      using copy = openSqliteCopy(source)
      await copy.copyTo(target)
    }
    await using db = await openSqlite({ file: target, checkpoints: 'on-close' })
    await db.write(beginAnew)
  }
  await syncFolder(config.dataDir)
  return { blobs, hasKey }
}

/** Bytes of uploads under way are no part of a backup, and its maintenance was another installation's. */
async function beginAnew(tx: Transaction): Promise<void> {
  await deleteAllSessions(tx)
  await deleteMaintenance(tx)
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

/** Copies every blob that the copied database mentions; how many there are. */
async function copyBlobs(databaseFolder: string, fromDataDir: string, toDataDir: string): Promise<number> {
  using copied = openSqliteCopy(join(databaseFolder, databaseFile))
  let blobs = 0
  let after = new Uint8Array()
  for (;;) {
    const page = await listBlobLocations(copied.read, { after, limit: locationsPerPage })
    await Promise.all(page.map(row => copyContent(fromDataDir, toDataDir, row.location as BlobLocation)))
    blobs += page.length
    const last = page.at(-1)
    if (!last || page.length < locationsPerPage) return blobs
    after = new Uint8Array(last.digest)
  }
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

async function requireEmpty(folder: string, otherwise: string): Promise<void> {
  if ((await readdir(folder)).length > 0) throw new DomainError('unavailable', otherwise)
}
