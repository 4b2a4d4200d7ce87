import { sweepRulesOf } from './app/garbage.ts'
import { openInstallation } from './app/installation.ts'
import { purgeHandler } from './app/purging.ts'
import { removalHandler } from './app/removing.ts'
import { applyRetentionHandler, dailyRetentionHandler, type RetainingDeps } from './app/retaining.ts'
import { boundSendQueues } from './app/send-queues.ts'
import { openSurfaces } from './app/surfaces.ts'
import { sweepHandler } from './app/sweeping.ts'
import type { CommitStep } from './blobstore/filesystem.ts'
import type { Config } from './config.ts'
import { openAccess } from './core/access/access.ts'
import { type FirstStart, prepareInstallation } from './core/accounts/first-start.ts'
import type { BlobDeps } from './core/blobs/deps.ts'
import { expireUploads } from './core/blobs/expire-uploads.ts'
import { LinkLeases } from './core/blobs/link-leases.ts'
import { deletePublications } from './core/blobs/queries.ts'
import { releaseSessions } from './core/blobs/sessions/queries.ts'
import { UploadHashes } from './core/blobs/upload-hashes.ts'
import type { Clock } from './core/clock.ts'
import type { SweepMoment } from './core/gc/deps.ts'
import { keepRules } from './core/gc/sweep-rules.ts'
import { removalKind } from './core/manifests/removal/removal-job.ts'
import { noteStored } from './core/quotas/days/note-stored.ts'
import { TrafficCounter } from './core/quotas/traffic/traffic-counter.ts'
import { hasTrigrams } from './core/repositories/list/matching/queries.ts'
import { PullCounter } from './core/repositories/pulls/pull-counter.ts'
import { applyKind } from './core/retention/queries.ts'
import { foldTotals } from './core/totals.ts'
import { chooseBaseUrl } from './http/base-url.ts'
import { dispatch } from './http/dispatch.ts'
import { type Answered, type HttpServer, serveHttp } from './http/serve.ts'
import { trustProxies } from './http/source-address.ts'
import { type Identity, openIdentity } from './identity/identity.ts'
import { openQueue } from './jobs/queue.ts'
import { type JobHandler, JobWorker } from './jobs/worker.ts'
import type { Reader } from './metadata/database.ts'
import type { ManageSurfaceDeps } from './surfaces/manage/surface.ts'
import { openStartingSurface } from './surfaces/ops/starting.ts'
import type { Logger } from './telemetry/logger.ts'
import { type Metrics, openMetrics } from './telemetry/metrics.ts'

/**
 * The composition root: the one file that knows every room. Configuration becomes stores, stores become core, core gets
 * its surfaces and jobs.
 */

/** Where a test may stop the process to see what a crash leaves. */
export type CrashStep = CommitStep | 'before-commit' | 'after-commit'

export type AppOptions = {
  config: Config
  logger: Logger
  clock?: Clock
  /** Nothing has to outlive this process. */
  isEphemeral?: boolean
  atCommitStep?: (step: CrashStep) => void
  /** Called at each step of the sweeps that run as jobs. */
  atSweepStep?: (step: SweepMoment) => void
  /** Told of every answer of an operation of the management API. */
  onManagementAnswer?: ManageSurfaceDeps['onAnswer']
  /** How often jobs are looked for; every 5 s unless it is given. */
  lookForJobsEveryMs?: number
}

export type RunningServer = {
  url: string
  /** Set by the start that filled an empty store. */
  credentials: FirstStart | undefined
  /** Committed metadata, for whoever looks on from the same process. */
  database: Reader
  /** Ends in order: no new connections, requests under way get their time, everything is written. */
  stop: () => Promise<void>
}

/** Opens the installation, fills it if it is empty, and serves it. */
export async function startServer(options: AppOptions): Promise<RunningServer> {
  const { config, logger } = options
  await using opened = new AsyncDisposableStack()
  const installation = opened.use(await openInstallation(options, 'server'))
  // This process alone holds the folder in which uploads are staged, so nobody is writing to one.
  await installation.db.write(
    async tx => {
      await releaseSessions(tx)
      await deletePublications(tx, Number.MAX_SAFE_INTEGER)
      await keepRules(tx, sweepRulesOf(config))
    },
    { survives: 'crash' },
  )
  if (!(await hasTrigrams(installation.db))) {
    logger.warn(
      {},
      'PostgreSQL lacks pg_trgm: parts of names are searched one by one; to have an index, run: create extension pg_trgm; create index repositories_by_trigrams on repositories using gin (name gin_trgm_ops)',
    )
  }
  const access = openAccess(installation, config.switches)
  const identity = openIdentity({
    ...installation,
    tokens: config.tokens,
    logins: config.logins,
    refusesReplays: config.refusesReplays,
  })
  const metrics = openMetrics()
  const blobs: BlobDeps = {
    ...installation,
    access,
    hashes: new UploadHashes(),
    uploadExpiryMs: config.uploads.expiryMs,
    deletesBlobsInUse: config.deletesBlobsInUse,
    ...(options.atCommitStep && { atCommitStep: options.atCommitStep }),
  }
  const counting = {
    ...installation,
    shard: Math.floor(Math.random() * pullShards),
    onFailure: (error: unknown) =>
      logger.error({ error }, 'figures of pulls could not be written; they are kept for the next time'),
  }
  const pulls = opened.use(new PullCounter(counting))
  const traffic = opened.use(new TrafficCounter(counting))
  const mayDelete = async () => !(await access.isReadOnly())
  const linkLeases = opened.use(
    new LinkLeases({
      ...installation,
      graceMs: config.gc.graceMs,
      mayDelete,
      onFailure: error => logger.error({ error }, 'the use of blobs could not be noted'),
    }),
  )
  const sweeping = sweepHandler({
    ...installation,
    graceMs: config.gc.graceMs,
    intervalMs: config.gc.intervalMs,
    mayDelete,
    logger,
    metrics,
    ...(options.atSweepStep && { atSweepStep: options.atSweepStep }),
  })
  const retaining = {
    ...installation,
    mayDelete: async () => config.switches.deletesContent && (await mayDelete()),
    onFailure: (error: unknown, policyId: number) =>
      logger.error({ error, policyId }, 'a retention policy could not be applied'),
    metrics,
  }
  const queue = openQueue(installation.db)
  // This process alone holds the folder: a job that a kill cut goes on now, and not when its lease is over.
  await queue.releaseAll()
  const worker = opened.use(
    new JobWorker({
      queue,
      handlers: jobHandlers({ blobs, identity, sweeping, retaining, logger }),
      ...(options.lookForJobsEveryMs !== undefined && { lookEveryMs: options.lookForJobsEveryMs }),
      clock: installation.clock,
      logger,
      mayDelete,
    }),
  )
  await worker.schedule()
  const surfaces = openSurfaces({
    ...{ config, access, identity, metrics, blobs, pulls, traffic, linkLeases },
    accounts: installation,
    onManagementAnswer: options.onManagementAnswer,
  })
  const listenUrl = urlOfListen(config)
  const route = dispatch(surfaces)
  const starting = openStartingSurface()
  let isOpen = false
  const server = serveHttp({
    listen: config.listen,
    ...(config.tls && { tls: config.tls }),
    forwarded: trustProxies(config.trustedProxies),
    baseUrl: chooseBaseUrl({ externalUrls: config.externalUrls, listenUrl }),
    surfaceFor: (url, request) => (isOpen ? route(url, request) : starting),
    onAnswered: answered => report(logger, metrics, answered),
    bodyIdleMs: config.uploads.idleTimeoutMs,
    connectionIdleMs: config.connections.idleTimeoutMs,
  })
  if (config.listen.kind === 'tcp' && !boundSendQueues()) {
    logger.info({}, 'this system can not bound send queues: clients that read slowly may be taken for idle')
  }
  // Only now: an address that can't be had must not use up the one time that credentials are shown.
  const credentials = await prepareInstallation(installation, config.init, config.region).catch(async error => {
    await server.stop(0)
    throw error
  })
  isOpen = true
  const lasting = opened.move()
  return {
    url: server.url,
    credentials,
    database: installation.db.read,
    stop: () => stop(server, lasting, config, logger),
  }
}

/** Rows that the pulls of one repository, or account, and day are spread over, so that replicas seldom meet in one. */
const pullShards = 16

function jobHandlers({
  blobs,
  identity,
  sweeping,
  retaining,
  logger,
}: {
  blobs: BlobDeps
  identity: Identity
  sweeping: JobHandler
  retaining: RetainingDeps
  logger: Logger
}): ReadonlyMap<string, JobHandler> {
  const { db } = blobs
  const onFailure = (error: unknown, uploadId: string) =>
    logger.error({ error, uploadId }, 'an upload that nobody came back for could not be removed')
  return new Map<string, JobHandler>([
    [
      'uploads.expire',
      {
        everyMs: 10 * 60_000,
        deletesContent: true,
        run: async () => void (await expireUploads({ ...blobs, onFailure })),
      },
    ],
    ['repository.purge', purgeHandler(blobs)],
    [removalKind, removalHandler(blobs)],
    ['gc.sweep', sweeping],
    ['retention.daily', dailyRetentionHandler(retaining)],
    [applyKind, applyRetentionHandler(retaining)],
    [
      'tokens.expire',
      { everyMs: 60 * 60_000, run: async (_job, signal) => void (await identity.deleteExpired(signal)) },
    ],
    ['account.store', { everyMs: 60 * 60_000, run: async (_job, signal) => void (await noteStored(blobs, signal)) }],
    [
      'totals.fold',
      {
        everyMs: 60_000,
        run: async (_job, signal) => {
          while (!signal.aborted && (await db.write(tx => foldTotals(tx, 1_000), { survives: 'crash' })) === 1_000);
        },
      },
    ],
  ])
}

/** The access line and the measures of one answered request. */
function report(logger: Logger, metrics: Metrics, { exchange, status, seconds }: Answered): void {
  const { log, origin, request } = exchange
  metrics.observeRequest({ route: log.route, status, seconds, bytes: log.bytes ?? 0 })
  const line = {
    requestId: origin.requestId,
    method: request.method,
    route: log.route,
    status,
    ms: Math.round(seconds * 1e5) / 100,
    source: origin.sourceAddress,
    // What isn't known is left out of the line.
    caller: log.caller,
    looked: log.looked,
    bytes: log.bytes,
  }
  if (log.error !== undefined) logger.error({ ...line, error: log.error }, 'request failed')
  else logger.info(line, 'request')
}

async function stop(server: HttpServer, opened: AsyncDisposable, config: Config, logger: Logger): Promise<void> {
  const isClean = await server.stop(config.shutdownTimeoutMs)
  if (!isClean) logger.warn({ limitMs: config.shutdownTimeoutMs }, 'requests were cut: they took longer than the limit')
  await opened[Symbol.asyncDispose]()
}

function urlOfListen({ listen, tls }: Config): string {
  if (listen.kind === 'unix') return 'http://localhost'
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  return `${tls ? 'https' : 'http'}://${host}:${listen.port}`
}
