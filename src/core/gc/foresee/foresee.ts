import { type Digest, digestFromBytes } from '../../../protocol/oci/digest.ts'
import { livingUploads } from '../../blobs/queries.ts'
import { listMarkedRepositories } from '../../repositories/purge/queries.ts'
import type { SweepDeps } from '../deps.ts'
import { lookAtContent } from '../look-at-content.ts'
import type { SweptKind } from '../sweep.ts'
import { foreseenBlobs, foreseenBodies, foreseenLinks, foreseenUploads } from './queries.ts'

type Deps = Pick<SweepDeps, 'db' | 'store' | 'clock' | 'graceMs'> & { uploadExpiryMs: number }

/** One thing that would go, or of which something is to be told (`missing`); `why` is for people. */
export type Foreseen = {
  kind: SweptKind | 'repository' | 'upload' | 'missing'
  name: string
  /** What the disk gains; undefined where that isn't known, or counted elsewhere. */
  sizeBytes: number | undefined
  why: string
}

const rowsPerPage = 500
/** Before every digest. */
const beginning: Uint8Array = new Uint8Array()

/** What sweeping would remove now, page by page, without a change. What is pushed meanwhile may be in it or not. */
export async function* foreseeSweep(deps: Deps): AsyncIterable<Foreseen> {
  yield* repositories(deps)
  yield* uploads(deps)
  yield* links(deps)
  yield* bodies(deps)
  yield* blobs(deps)
  yield* content(deps)
}

async function* repositories({ db }: Deps): AsyncIterable<Foreseen> {
  const pages = pagesOf(
    0,
    after => listMarkedRepositories(db.read, { after, limit: rowsPerPage }),
    row => row.id,
  )
  for await (const { name } of pages) {
    yield { kind: 'repository', name, sizeBytes: undefined, why: 'it was deleted: what it held goes' }
  }
}

async function* uploads({ db, store, clock, uploadExpiryMs }: Deps): AsyncIterable<Foreseen> {
  const nowMs = clock.nowMs()
  const pages = pagesOf(
    '',
    after => foreseenUploads(db.read, { after, limit: rowsPerPage, nowMs }),
    row => row.id,
  )
  for await (const { id, offset_bytes, expires_ms } of pages) {
    yield {
      kind: 'upload',
      name: id,
      sizeBytes: offset_bytes,
      why: `nobody came back for it: it expired ${time(expires_ms)}`,
    }
  }
  for await (const ids of inBatches(store.listUploads(nowMs - uploadExpiryMs))) {
    const living = await livingUploads(db.read, ids)
    for (const id of ids) {
      if (!living.has(id)) yield { kind: 'upload', name: id, sizeBytes: undefined, why: 'no session knows it' }
    }
  }
}

async function* links({ db, clock, graceMs }: Deps): AsyncIterable<Foreseen> {
  const cutoffMs = clock.nowMs() - graceMs
  const pages = pagesOf(
    { repositoryId: 0, digest: beginning },
    after => foreseenLinks(db.read, { after, limit: rowsPerPage, cutoffMs }),
    row => ({ repositoryId: row.repository_id, digest: row.digest }),
  )
  for await (const row of pages) {
    if (row.goes === 0) continue
    const name = `${row.organization}/${row.repository}@${digestFromBytes(row.digest)}`
    const why = `no manifest of the repository names it, and no push relied on it since ${time(row.used_ms)}`
    yield { kind: 'link', name, sizeBytes: undefined, why }
  }
}

async function* bodies({ db }: Deps): AsyncIterable<Foreseen> {
  const page = (after: Uint8Array) => foreseenBodies(db.read, { after, limit: rowsPerPage })
  for await (const row of pagesOf(beginning, page, each => each.digest)) {
    if (row.goes === 0) continue
    yield { kind: 'body', name: nameOf(row), sizeBytes: row.size_bytes, why: 'no repository holds this manifest' }
  }
}

async function* blobs({ db, clock, graceMs }: Deps): AsyncIterable<Foreseen> {
  const cutoffMs = clock.nowMs() - graceMs
  const page = (after: Uint8Array) => foreseenBlobs(db.read, { after, limit: rowsPerPage, cutoffMs })
  for await (const row of pagesOf(beginning, page, each => each.digest)) {
    if (row.goes === 0) continue
    const why = row.state === 'condemned' ? 'a sweep that ended early condemned it' : 'no repository would hold it'
    yield { kind: 'blob', name: nameOf(row), sizeBytes: row.size_bytes, why }
  }
}

async function* content(deps: Deps): AsyncIterable<Foreseen> {
  for (let after: string | undefined = ''; after !== undefined; ) {
    const look = await lookAtContent(deps, after)
    for (const { location, sizeBytes } of look.strays) {
      yield {
        kind: 'stray',
        name: location,
        sizeBytes,
        why: 'no blob is at this place: a push ended before it was one',
      }
    }
    for (const { digest } of look.missing) {
      const why = 'its bytes are not there: restore them from a backup, or push the blob again'
      yield { kind: 'missing', name: nameOf({ digest }), sizeBytes: undefined, why }
    }
    after = look.next
  }
}

async function* inBatches(ids: AsyncIterable<string>): AsyncIterable<string[]> {
  const batch: string[] = []
  for await (const id of ids) {
    batch.push(id)
    if (batch.length === rowsPerPage) yield batch.splice(0)
  }
  yield batch
}

/** Every row of a list, asked for page by page. */
async function* pagesOf<Key, Row>(
  first: Key,
  page: (after: Key) => Promise<Row[]>,
  keyOf: (row: Row) => Key,
): AsyncIterable<Row> {
  for (let after = first; ; ) {
    const rows = await page(after)
    yield* rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < rowsPerPage) return
    after = keyOf(last)
  }
}

function nameOf({ digest }: { digest: Uint8Array }): Digest {
  return digestFromBytes(digest)
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}
