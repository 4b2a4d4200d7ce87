import type { BlobStore } from '../blobstore/blobstore.ts'
import type { Config } from '../config.ts'
import type { Access } from '../core/access/access.ts'
import type { AccountsDeps } from '../core/accounts/deps.ts'
import type { BlobDeps } from '../core/blobs/deps.ts'
import type { LinkLeases } from '../core/blobs/link-leases.ts'
import { openBlobReader } from '../core/blobs/read.ts'
import { DomainError } from '../core/errors.ts'
import { openManifestReader } from '../core/manifests/read.ts'
import type { TrafficCounter } from '../core/quotas/traffic/traffic-counter.ts'
import type { PullCounter } from '../core/repositories/pulls/pull-counter.ts'
import type { Surfaces } from '../http/dispatch.ts'
import type { Identity } from '../identity/identity.ts'
import type { ManageSurfaceDeps } from '../surfaces/manage/surface.ts'
import { RangeAnswers } from '../surfaces/oci/blob-ranges.ts'
import { openOciSurface } from '../surfaces/oci/surface.ts'
import { openRootSurface } from '../surfaces/ops/root.ts'
import { openOpsSurface } from '../surfaces/ops/surface.ts'
import { openTokenSurface } from '../surfaces/token/surface.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { whenAsked } from './lazy-surface.ts'

/** What the surfaces are made of. */
export type SurfaceParts = {
  config: Config
  access: Access
  accounts: AccountsDeps
  identity: Identity
  metrics: Metrics
  blobs: BlobDeps
  pulls: PullCounter
  traffic: TrafficCounter
  linkLeases: LinkLeases
  /** Told of every answer of the management API. */
  onManagementAnswer: ManageSurfaceDeps['onAnswer'] | undefined
}

/** Every protocol that is spoken. Those with many schemas are loaded when they are first asked. */
export function openSurfaces(parts: SurfaceParts): Surfaces {
  const { config, access, accounts, identity, metrics, blobs, pulls, traffic, linkLeases, onManagementAnswer } = parts
  const { sealer } = accounts
  const { db, store, clock } = blobs
  const checks = {
    database: () => db.check(),
    'blob store': () => store.check(),
    'disk space': () => checkSpace(store, metrics),
  }
  const blobReader = openBlobReader({ db, store, clock })
  return {
    oci: openOciSurface({
      ...blobs,
      identity,
      pulls,
      traffic,
      linkLeases,
      blobReader,
      rangeAnswers: new RangeAnswers(16),
      manifestReader: openManifestReader({ db, clock }),
      sparseManifests: config.sparseManifests,
      limits: { manifestBytes: config.limits.manifestBytes },
    }),
    manage: whenAsked(async () => {
      const { openManageSurface } = await import('../surfaces/manage/surface.ts')
      return openManageSurface({
        db,
        clock,
        access,
        blobReader,
        identity,
        sealer,
        region: config.region,
        loginLifeMs: config.tokens.loginLifeMs,
        errorForm: config.errorForm,
        limits: { bodyBytes: config.limits.managementBodyBytes },
        ...(onManagementAnswer && { onAnswer: onManagementAnswer }),
      })
    }),
    iam: whenAsked(async () => {
      const { openIamSurface } = await import('../surfaces/iam/surface.ts')
      return openIamSurface({
        ...accounts,
        access,
        region: config.region,
        identity,
        limits: { bodyBytes: config.limits.managementBodyBytes },
      })
    }),
    token: openTokenSurface({ access, identity }),
    ops: openOpsSurface({ metrics, checks, documents: apiDocuments(config.errorForm) }),
    root: openRootSurface(),
  }
}

/** The descriptions of the APIs as JSON by the path they are served at, each made when it is asked for the first time. */
function apiDocuments(errorForm: Config['errorForm']): Readonly<Record<string, () => Promise<string>>> {
  const load = () => import('./api-documents.ts')
  return {
    '/openapi.json': once(async () => JSON.stringify((await load()).managementDocument(errorForm))),
    '/openapi-registry.json': once(async () => JSON.stringify((await load()).registryDocument())),
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** Below this a push may fail at any moment. */
const leastFreeBytes = 100 * 1024 * 1024

async function checkSpace(store: BlobStore, metrics: Metrics): Promise<void> {
  const freeBytes = await store.freeBytes()
  if (freeBytes === undefined) return
  metrics.setFreeBytes(freeBytes)
  if (freeBytes < leastFreeBytes) {
    throw new DomainError('storage_full', `only ${Math.floor(freeBytes / 1048576)} MiB are free where blobs are kept`)
  }
}
