import type { Config } from '../config.ts'
import { openAccess } from '../core/access/access.ts'
import { expireUploads } from '../core/blobs/expire-uploads.ts'
import { UploadHashes } from '../core/blobs/upload-hashes.ts'
import { DomainError } from '../core/errors.ts'
import { type Foreseen, foreseeSweep } from '../core/gc/foresee/foresee.ts'
import { runSweep } from '../core/gc/run-sweep.ts'
import { beginSweep, type SweepSums } from '../core/gc/sweep.ts'
import { type SweepRules, stricterRules } from '../core/gc/sweep-rules.ts'
import { purgeRepository } from '../core/repositories/purge/purge.ts'
import { listMarkedRepositories } from '../core/repositories/purge/queries.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openCommandLogger } from './logs.ts'

/** What a sweep by command did; `uploads` is how many that nobody came back for went. */
export type Collected = SweepSums & { uploads: number; repositories: number }

const repositoriesPerPage = 200

/** A grace time that was asked for counts, whatever the server goes by. */
export type Asked = { graceMs?: number }

/**
 * Removes now what nobody needs, beside a running server or without one: the same steps as the server's own sweeps, each
 * of which compares before it changes anything, so it does not matter who else sweeps. Where the server goes by stricter
 * rules than these settings, they count. Throws `read_only`.
 */
export async function collectGarbage(config: Config, asked: Asked = {}): Promise<Collected> {
  const logger = openCommandLogger()
  await using installation = await openInstallation({ config, logger }, 'command')
  const { graceMs, uploadExpiryMs, readOnlyReason } = await rulesOf(installation, config, asked)
  const access = openAccess(installation, { ...config.switches, readOnlyReason })
  if (await access.isReadOnly()) {
    throw new DomainError('read_only', 'the registry is read-only, and nothing goes: stower maintenance show')
  }
  const repositories = await purgeRepositories(installation)
  const uploads = await expireUploads({
    ...installation,
    hashes: new UploadHashes(),
    uploadExpiryMs,
    onFailure: (error, uploadId) => logger.error({ error, uploadId }, 'an upload could not be removed'),
  })
  const deps = {
    ...installation,
    graceMs,
    mayDelete: async () => !(await access.isReadOnly()),
    onFailure: (error: unknown, location: string) => logger.error({ error, location }, 'content could not be removed'),
  }
  const { state } = await runSweep(deps, beginSweep(installation.clock.nowMs()))
  return { ...state.done, uploads, repositories }
}

/** What `collectGarbage` would remove now, one by one; nothing is changed. */
export async function* foreseeGarbage(config: Config, asked: Asked = {}): AsyncIterable<Foreseen> {
  await using installation = await openInstallation({ config, logger: openCommandLogger() }, 'command')
  yield* foreseeSweep({ ...installation, ...(await rulesOf(installation, config, asked)) })
}

export function sweepRulesOf({ gc, uploads, switches }: Config): SweepRules {
  return { graceMs: gc.graceMs, uploadExpiryMs: uploads.expiryMs, readOnlyReason: switches.readOnlyReason }
}

async function rulesOf({ db }: Installation, config: Config, asked: Asked): Promise<SweepRules> {
  return { ...(await stricterRules(db.read, sweepRulesOf(config))), ...asked }
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
