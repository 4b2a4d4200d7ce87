import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobStore } from '../blobstore/blobstore.ts'
import { makeDurableFolder } from '../blobstore/durable-folders.ts'
import { type CommitStep, openFilesystemStore } from '../blobstore/filesystem.ts'
import type { Config } from '../config.ts'
import type { AccountsDeps } from '../core/accounts/deps.ts'
import { hasAccount } from '../core/accounts/queries.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { DomainError } from '../core/errors.ts'
import { openPasswords } from '../identity/passwords.ts'
import { openSealer } from '../identity/sealing.ts'
import { migrate } from '../metadata/migrate.ts'
import { newestVersion } from '../metadata/migrations/all.ts'
import { openSqlite } from '../metadata/sqlite/database.ts'
import { lockFolder } from '../metadata/sqlite/folder-lock.ts'
import type { Logger } from '../telemetry/logger.ts'
import { obtainEncryptionKey } from './encryption-key.ts'

/** The database schema that this program makes and needs. */
export const schemaVersion = newestVersion

/** Of an installation over SQLite, in its data folder; backups hold one whatever they are of. */
export const databaseFile = 'stower.db'

export type InstallationOptions = {
  config: Config
  logger: Logger
  clock?: Clock
  /** Nothing has to outlive this process: nothing is synced, and passwords are hashed at the least cost. */
  isEphemeral?: boolean
  atCommitStep?: (step: CommitStep) => void
}

/** The stores of an installation with what opens their secrets. */
export type Installation = AccountsDeps & { store: BlobStore } & AsyncDisposable

/**
 * Opens the stores of a data folder, bringing the schema up to date. A server makes what is missing; a command is
 * refused where no server ever started, and where one runs that was made for the schema as it is. Throws `unavailable`
 * or `storage_full` with a sentence that says what to do.
 */
export async function openInstallation(
  { config, logger, clock = systemClock, isEphemeral = false, atCommitStep }: InstallationOptions,
  role: 'server' | 'command',
): Promise<Installation> {
  // Whatever is made in the folder is its owner's alone.
  process.umask(0o077)
  if (role === 'command') {
    const made = config.metadata.kind === 'postgres' ? config.dataDir : join(config.dataDir, databaseFile)
    if (!existsSync(made)) throw noInstallation(config)
  }
  await prepareFolder(config.dataDir)
  await using opened = new AsyncDisposableStack()
  const store = opened.use(
    await openFilesystemStore({ dataDir: config.dataDir, syncs: !isEphemeral, ...(atCommitStep && { atCommitStep }) }),
  )
  // One server per folder while blobs live in it and uploads are staged there; commands work beside it.
  if (role === 'server') opened.use(lockFolder(config.dataDir))
  const db = opened.use(await openDatabase({ config, logger, role, isEphemeral }))
  if (role === 'command' && db.engine === 'postgres' && !((await db.hasSchema()) && (await hasAccount(db.read)))) {
    throw noInstallation(config)
  }
  await migrate(db, {
    copyFile: from => join(config.dataDir, `before-upgrade-from-schema-${from}.db`),
    nowMs: clock.nowMs(),
    ...(role === 'command' && { permit: () => standInForServer(config.dataDir) }),
  })
  const key = await obtainEncryptionKey({
    db,
    dataDir: config.dataDir,
    configured: config.encryptionKey,
    syncs: !isEphemeral,
  })
  const sealer = await openSealer({ db, key })
  const lasting = opened.move()
  return {
    db,
    store,
    clock,
    sealer,
    passwords: openPasswords({ areLasting: !isEphemeral }),
    [Symbol.asyncDispose]: () => lasting.disposeAsync(),
  }
}

/** While no server runs, and none can start. */
function standInForServer(dataDir: string): Disposable {
  try {
    return lockFolder(dataDir)
  } catch (cause) {
    const message = `the server that runs on ${dataDir} is of an older version, and its database with it: start it anew with this version first`
    throw new DomainError('unavailable', message, {}, { cause })
  }
}

function noInstallation({ dataDir, metadata }: Config): DomainError {
  const place = metadata.kind === 'postgres' ? `${dataDir} with the database of database.url` : dataDir
  return new DomainError(
    'unavailable',
    `there is no installation in ${place}: name its folder with --data-dir, or start the server once to make one`,
  )
}

type DatabaseOptions = Pick<InstallationOptions, 'config' | 'logger'> & {
  role: 'server' | 'command'
  isEphemeral: boolean
}

async function openDatabase({ config, logger, role, isEphemeral }: DatabaseOptions) {
  if (config.metadata.kind === 'postgres') {
    // Loaded only where it is used: the driver costs as much memory as all of core.
    const { openPostgres } = await import('../metadata/postgres/database.ts')
    return openPostgres({
      url: config.metadata.url,
      onConnectionFailure: error => logger.warn({ error }, 'a PostgreSQL connection broke'),
    })
  }
  return openSqlite({
    file: join(config.dataDir, databaseFile),
    checkpoints: isEphemeral ? 'in-commits' : role === 'server' ? 'background' : 'on-close',
    syncs: !isEphemeral,
    onCheckpointFailure: message => logger.warn({ cause: message }, 'the database log could not be folded in'),
  })
}

/** Makes the data folder for its owner alone. Throws `unavailable` where that can't be. */
async function prepareFolder(dataDir: string): Promise<void> {
  try {
    const existed = await stat(dataDir).catch(() => undefined)
    if (existed) return
    await makeDurableFolder(dataDir)
  } catch (cause) {
    throw new DomainError(
      'unavailable',
      `the data folder ${dataDir} cannot be made: choose one this user may write with --data-dir or STOWER_DATA_DIR`,
      {},
      { cause },
    )
  }
}
