import type { Config } from '../config.ts'
import { openAccess } from '../core/access/access.ts'
import { expireUploads } from '../core/blobs/expire-uploads.ts'
import { UploadHashes } from '../core/blobs/upload-hashes.ts'
import { DomainError } from '../core/errors.ts'
import { type Foreseen, foreseeSweep } from '../core/gc/foresee/foresee.ts'
import { runSweep } from '../core/gc/run-sweep.ts'
import { beginSweep, type SweepSums } from '../core/gc/sweep.ts'
import { purgeRepository } from '../core/repositories/purge/purge.ts'
import { listMarkedRepositories } from '../core/repositories/purge/queries.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openCommandLogger } from './logs.ts'

/** What a sweep by command did; `uploads` is how many that nobody came back for went. */
export type Collected = SweepSums & { uploads: number; repositories: number }

const repositoriesPerPage = 200

/**
 * Removes now what nobody needs, beside a running server or without one: the same steps as the server's own sweeps, each
 * of which compares before it changes anything, so it does not matter who else sweeps. Throws `read_only`.
 */
export async function collectGarbage(config: Config): Promise<Collected> {
  const logger = openCommandLogger()
  await using installation = await openInstallation({ config, logger }, 'command')
  const isReadOnly = () => openAccess(installation.db, config.switches).isReadOnly()
  if (await isReadOnly()) {
    throw new DomainError('read_only', 'the registry is read-only, and nothing goes: stower maintenance show')
  }
  const repositories = await purgeRepositories(installation)
  const uploads = await expireUploads({
    ...installation,
    hashes: new UploadHashes(),
    uploadExpiryMs: config.uploads.expiryMs,
    onFailure: (error, uploadId) => logger.error({ error, uploadId }, 'an upload could not be removed'),
  })
  const deps = {
    ...installation,
    graceMs: config.gc.graceMs,
    mayDelete: async () => !(await isReadOnly()),
    onFailure: (error: unknown, location: string) => logger.error({ error, location }, 'content could not be removed'),
  }
  const { state } = await runSweep(deps, beginSweep(installation.clock.nowMs()))
  return { ...state.done, uploads, repositories }
}

/** What `collectGarbage` would remove now, one by one; nothing is changed. */
export async function* foreseeGarbage(config: Config): AsyncIterable<Foreseen> {
  await using installation = await openInstallation({ config, logger: openCommandLogger() }, 'command')
  yield* foreseeSweep({ ...installation, graceMs: config.gc.graceMs, uploadExpiryMs: config.uploads.expiryMs })
}

/** What deleted repositories held; a running server does the same by itself, within seconds. */
async function purgeRepositories(installation: Installation): Promise<number> {
  let purged = 0
  let after = 0
  for (;;) {
    const page = await listMarkedRepositories(installation.db.read, { after, limit: repositoriesPerPage })
    for (const { id } of page) await purgeRepository(installation, id)
    purged += page.length
    const last = page.at(-1)
    if (!last || page.length < repositoriesPerPage) return purged
    after = last.id
  }
}
