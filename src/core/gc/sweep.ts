import { deletePublications } from '../blobs/queries.ts'
import type { StepResult, SweepDeps } from './deps.ts'
import { sweepBlobs } from './sweep-blobs.ts'
import { sweepBodies } from './sweep-bodies.ts'
import { sweepLinks } from './sweep-links.ts'
import { sweepStrays } from './sweep-strays.ts'

/**
 * What a sweep removes, in this order: a link that goes may leave a blob that nobody links, and with the bytes of
 * manifests it is alike.
 *
 * ```
 * link    a repository holds a blob that no manifest of it names
 * body    the bytes of a manifest that no repository holds
 * blob    a blob that no repository links: its row and its bytes
 * stray   bytes that no row names
 * ```
 */
export const sweptKinds = ['link', 'body', 'blob', 'stray'] as const

export type SweptKind = (typeof sweptKinds)[number]

/** Where a sweep is: what is to be looked at next, and behind which place. Plain data, kept between steps and processes. */
export type SweepState = { kind: SweptKind; after: string; begunMs: number; done: SweepSums }

/** What a sweep did so far. */
export type SweepSums = {
  removed: Readonly<Record<SweptKind, { objects: number; bytes: number }>>
  left: number
  missing: number
  foreign: number
}

/** A push publishes its bytes and makes their row within seconds; one that takes so long has died in between. */
const publicationMs = 60 * 60_000

export function beginSweep(nowMs: number): SweepState {
  const none = { objects: 0, bytes: 0 }
  return {
    kind: 'link',
    after: firstPlace.link,
    begunMs: nowMs,
    done: { removed: { link: none, body: none, blob: none, stray: none }, left: 0, missing: 0, foreign: 0 },
  }
}

/**
 * Does a bounded part of a sweep. It may be cut anywhere and run again, and any number of processes may do the same:
 * every change is made by comparing first. `isOver` with the last one.
 */
export async function sweepStep(
  deps: SweepDeps,
  state: SweepState,
): Promise<{ state: SweepState; isOver: boolean; result: StepResult }> {
  const { kind, after } = state
  if (kind === 'stray' && after === firstPlace.stray) {
    const beforeMs = deps.clock.nowMs() - publicationMs
    await deps.db.write(tx => deletePublications(tx, beforeMs), { survives: 'crash' })
  }
  const result = await steps[kind](deps, after)
  const done = add(state.done, kind, result)
  if (result.next !== undefined) return { state: { ...state, after: result.next, done }, isOver: false, result }
  const following = sweptKinds[sweptKinds.indexOf(kind) + 1]
  if (following === undefined) return { state: { ...state, done }, isOver: true, result }
  return { state: { ...state, kind: following, after: firstPlace[following], done }, isOver: false, result }
}

const steps = { link: sweepLinks, body: sweepBodies, blob: sweepBlobs, stray: sweepStrays } as const

/** Before everything in the order of each kind. */
const firstPlace = { link: '0 ', body: '', blob: '', stray: '' } as const

function add(done: SweepSums, kind: SweptKind, result: StepResult): SweepSums {
  const { objects, bytes } = done.removed[kind]
  return {
    removed: {
      ...done.removed,
      [kind]: { objects: objects + result.removed, bytes: bytes + result.removedBytes },
    },
    left: done.left + result.left,
    missing: done.missing + result.missing.length,
    foreign: done.foreign + result.foreign,
  }
}
