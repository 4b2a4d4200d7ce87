import type { Running } from '../contestants/contestant.ts'
import type { Registry } from '../registry.ts'
import { type Figures, isWrkInstalled, type Load, runWrk } from '../wrk.ts'

/** What was done; the time is measured around it unless it is told here. */
export type Done = { operations: number; bytes: number; seconds?: number; latency?: Figures['latency'] }

/** A load with all its content ready, so that making that is not measured. */
export type ReadyLoad = () => Promise<Done>

/** How a run is measured: the smaller ones may be less sure. */
export type Effort = { rounds: number; seconds: number }

export type Case = {
  name: string
  /** `MB` is the peak of the server's resident memory. */
  unit: 'requests/s' | 'GB/s' | 'blobs/s' | 'images/s' | 'tags/s' | 'MB'
  /** Left out where the processor time has no meaning. */
  cpuPer?: 'request' | 'GB' | 'image' | 'tag'
  /** Peers have nothing like it. */
  isForStowerOnly?: true
  /** Stower is measured with a password in every request, too. */
  withBasic?: true
  /** Where the effort of the run would take too long. */
  mostRounds?: number
  /** Told why it can't be measured on this machine. */
  missing?: string
  /** Once per server; resolves to what makes one round ready. */
  setUp: (server: Running, effort: Effort) => Promise<() => ReadyLoad | Promise<ReadyLoad>>
}

/** Cases that are measured on the same servers, one after another. */
export type Group = {
  /** Stower's folder before its servers are started over it, in place of an empty one. */
  prepareStower?: (start: (folder: string) => Promise<Running>, folder: string) => Promise<void>
  /** What makes the state that all cases of the group begin with. */
  fill?: (server: Running) => Promise<void>
  isForStowerOnly?: true
  /** Each case needs what those before it left. */
  fillsItself?: true
  cases: readonly Case[]
}

export const connections = 16

/** One path asked by wrk; `prepare` says which. */
export function wrkCase(
  about: Omit<Case, 'setUp' | 'missing'>,
  prepare: (server: Running) => Promise<Omit<Load, 'seconds'>>,
): Case {
  return {
    ...about,
    ...missingWrk,
    setUp: async (server, { seconds }) => {
      const load = await prepare(server)
      await runWrk(server, { ...load, seconds: 1 })
      return () => () => measureByWrk(server, { ...load, seconds })
    },
  }
}

export async function measureByWrk(registry: Registry, load: Load): Promise<Done> {
  const { requests, ...figures } = await runWrk(registry, load)
  return { operations: requests, ...figures }
}

export const missingWrk = isWrkInstalled ? {} : { missing: 'wrk is not installed' }

export function sizeName(sizeBytes: number): string {
  return sizeBytes >= 1e6 ? `${sizeBytes / 1e6} MB` : `${sizeBytes / 1e3} KB`
}
