import type { BlobDeps } from '../../core/blobs/deps.ts'
import type { LinkLeases } from '../../core/blobs/link-leases.ts'
import type { BlobReader } from '../../core/blobs/read.ts'
import type { Caller } from '../../core/caller.ts'
import type { PushDeps } from '../../core/manifests/push.ts'
import type { ManifestReader } from '../../core/manifests/read.ts'
import type { TrafficCounter } from '../../core/quotas/traffic/traffic-counter.ts'
import type { PullCounter } from '../../core/repositories/pulls/pull-counter.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { RangeAnswers } from './blob-ranges.ts'

/** What the OCI surface is given. */
export type OciDeps = BlobDeps &
  PushDeps & {
    identity: { ofDocker: (authorization: string | null, sourceAddress: string) => Caller | Promise<Caller> }
    blobReader: BlobReader
    linkLeases: LinkLeases
    rangeAnswers: RangeAnswers
    manifestReader: ManifestReader
    pulls: PullCounter
    traffic: TrafficCounter
    limits: { manifestBytes: number }
  }

/** One request with its caller proved. */
export type OciExchange = { exchange: Exchange; caller: Caller }
