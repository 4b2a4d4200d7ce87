import type { BlobLocation, StoredContent } from '../../blobstore/blobstore.ts'
import { livingUploads } from '../blobs/queries.ts'
import type { SweepDeps } from './deps.ts'
import { installationMadeMs, mentionedBlobs, type PlacedBlob, pageOfLocations } from './queries.ts'

const contentPerStep = 500

export type ContentLook = {
  next: string | undefined
  strays: readonly StoredContent[]
  missing: readonly PlacedBlob[]
  foreign: number
}

type LookDeps = Pick<SweepDeps, 'db' | 'store' | 'clock' | 'graceMs' | 'atSweepStep'>

/**
 * One page of a walk over the blob store and the rows that name its content, both in the order of locations: `strays` is
 * content that no row names and none will, `missing` are rows whose content is not there, `foreign` is how much content
 * is older than the installation.
 */
export async function lookAtContent(deps: LookDeps, from: string): Promise<ContentLook> {
  const { db, store } = deps
  const listed = await store.listContent({
    after: from === '' ? undefined : (from as BlobLocation),
    limit: contentPerStep,
  })
  await deps.atSweepStep?.('content-listed')
  const rows = await pageOfLocations(db.read, { after: from, upTo: listed.next, limit: 2 * contentPerStep })
  // Where far more rows than content are found, the walk goes no further than the rows that were read.
  const next = rows.length === 2 * contentPerStep ? rows.at(-1)?.location : listed.next
  const content = listed.content.filter(({ location }) => next === undefined || location <= next)
  const known = new Set(rows.map(row => row.location))
  const isThere = new Set<string>(content.map(({ location }) => location))
  const { strays, foreign } = await findStrays(
    deps,
    content.filter(({ location }) => !known.has(location)),
  )
  const missing = await findMissing(
    deps,
    rows.filter(row => row.state === 'present' && !isThere.has(row.location)),
  )
  return { next, strays, missing, foreign }
}

/**
 * Which of this content, that no row named when it was asked, nobody will name any more. An upload is looked for first
 * and its blob after: it ends in the transaction that makes the row, so whoever misses both has seen its end. Content
 * older than the installation is no push of its own: whoever runs a fresh database on a folder in use keeps the folder.
 */
async function findStrays(
  deps: Pick<SweepDeps, 'db' | 'clock' | 'graceMs'>,
  unknown: readonly StoredContent[],
): Promise<{ strays: readonly StoredContent[]; foreign: number }> {
  const cutoffMs = deps.clock.nowMs() - deps.graceMs
  const old = unknown.filter(content => content.modifiedMs <= cutoffMs)
  if (old.length === 0) return { strays: [], foreign: 0 }
  const living = await livingUploads(
    deps.db.read,
    old.map(content => content.uploadId),
  )
  const ended = old.filter(content => !living.has(content.uploadId))
  const mentioned = new Set((await mentionedBlobs(deps.db.read, ended.map(locationOf))).map(blob => blob.location))
  const unmentioned = ended.filter(content => !mentioned.has(content.location))
  const madeMs = await installationMadeMs(deps.db.read)
  const strays = unmentioned.filter(content => content.modifiedMs >= madeMs)
  return { strays, foreign: unmentioned.length - strays.length }
}

/** Which of these blobs, not found in the list, really lack their bytes: they may have come or gone since. */
async function findMissing(
  { db, store }: Pick<SweepDeps, 'db' | 'store'>,
  unseen: readonly PlacedBlob[],
): Promise<PlacedBlob[]> {
  const looked = await Promise.all(
    unseen.map(async blob => ((await store.findSize(locationOf(blob))) === undefined ? blob : undefined)),
  )
  const lacking = looked.filter(blob => blob !== undefined)
  const mentioned = await mentionedBlobs(db.read, lacking.map(locationOf))
  return mentioned.filter(blob => blob.state === 'present')
}

function locationOf({ location }: { location: string }): BlobLocation {
  return location as BlobLocation
}
