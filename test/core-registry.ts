import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BlobStore } from '../src/blobstore/blobstore.ts'
import { type CommitStep, openFilesystemStore } from '../src/blobstore/filesystem.ts'
import { type Access, openAccess } from '../src/core/access/access.ts'
import { deleteBlob } from '../src/core/blobs/delete.ts'
import type { BlobDeps } from '../src/core/blobs/deps.ts'
import { LinkLeases } from '../src/core/blobs/link-leases.ts'
import { mountBlob } from '../src/core/blobs/mount.ts'
import { openBlobReader } from '../src/core/blobs/read.ts'
import { UploadHashes } from '../src/core/blobs/upload-hashes.ts'
import { appendToUpload, closeUpload, pushBlob, startUpload } from '../src/core/blobs/uploads.ts'
import type { Requester } from '../src/core/caller.ts'
import type { SweepDeps, SweepMoment } from '../src/core/gc/deps.ts'
import { runSweep } from '../src/core/gc/run-sweep.ts'
import { beginSweep, type SweepSums } from '../src/core/gc/sweep.ts'
import { deleteManifest } from '../src/core/manifests/delete.ts'
import { pushManifest } from '../src/core/manifests/push.ts'
import { openManifestReader } from '../src/core/manifests/read.ts'
import { removeImage } from '../src/core/manifests/removal/remove-image.ts'
import { createOrganization } from '../src/core/organizations/organizations.ts'
import { purgeRepository } from '../src/core/repositories/purge/purge.ts'
import { deleteRepository } from '../src/core/repositories/repositories.ts'
import { deleteTag } from '../src/core/tags/commands.ts'
import { readTotals } from '../src/core/totals.ts'
import type { Database } from '../src/metadata/database.ts'
import { parseOrganizationName } from '../src/protocol/manage/names.ts'
import { type Digest, digestToBytes, parseDigest } from '../src/protocol/oci/digest.ts'
import { parseManifest } from '../src/protocol/oci/manifest.ts'
import { ociImage, sha256 } from './oci/registry-client.ts'

export const hourMs = 3_600_000
export const graceMs = 24 * hourMs

export type CoreRegistry = Awaited<ReturnType<typeof openCoreRegistry>>

/**
 * Core over a real database and folder, with one organization `group` and its administrator, without a wire in between:
 * the commands that clients cause, by short names. The clock stands still until it is moved.
 */
export async function openCoreRegistry(
  db: Database,
  seams: {
    atCommitStep?: (step: CommitStep) => Promise<void>
    atSweepStep?: (step: SweepMoment) => Promise<void>
  } = {},
) {
  const dataDir = mkdtempSync(join(tmpdir(), 'stower-core-'))
  const store: BlobStore = await openFilesystemStore({
    dataDir,
    ...(seams.atCommitStep && { atCommitStep: seams.atCommitStep }),
  })
  // File times are the machine's own, so the clock begins there; files made later must not seem to be of the future.
  const time = { nowMs: Date.now() + hourMs }
  const clock = { nowMs: () => time.nowMs }
  const access: Access = openAccess({ db, clock })
  const deps: BlobDeps = {
    db,
    store,
    access,
    clock,
    hashes: new UploadHashes(),
    deletesBlobsInUse: false,
    uploadExpiryMs: 24 * hourMs,
  }
  const by = await makeAdministrator(db)
  const name = parseOrganizationName('group')
  if (name.kind === 'invalid') throw new Error(name.reason)
  await createOrganization(deps, by, name.name)
  const blobReader = openBlobReader({ db, store, clock })
  const manifestReader = openManifestReader({ db, clock })
  const leases = new LinkLeases({
    db,
    clock,
    graceMs,
    mayDelete: async () => true,
    onFailure: error => {
      throw error
    },
  })
  const sweepDeps: SweepDeps = {
    db,
    store,
    clock,
    graceMs,
    mayDelete: async () => true,
    onFailure: error => {
      throw error
    },
    ...(seams.atSweepStep && { atSweepStep: seams.atSweepStep }),
  }
  const idOf = async (repository: string) => {
    const row = await db.read
      .selectFrom('repositories')
      .select('id')
      .where('name', '=', repository)
      .where('deleted_ms', 'is', null)
      .executeTakeFirstOrThrow()
    return row.id
  }
  /** Pushes a manifest that says its own type. `through` is another way to the same database. */
  const pushDocument = async (repository: string, tag: string | undefined, body: string, through = db) => {
    const digest = digestOf(body)
    const bytes = new TextEncoder().encode(body)
    await pushManifest({ ...deps, db: through, sparseManifests: false }, by, placeOf(repository), async () => ({
      body: bytes,
      manifest: parseManifest(bytes, JSON.parse(body).mediaType),
      digest,
      tags: tag === undefined ? [] : [tag],
    }))
    return digest
  }
  return {
    deps,
    by,
    sweepDeps,
    dataDir,
    time,
    leases,
    idOf,
    passMs: (ms: number) => {
      time.nowMs += ms
    },
    push: async (repository: string, text: string) => {
      const digest = digestOf(text)
      await pushBlob(deps, by, placeOf(repository), digest, bodyOf(text))
      return digest
    },
    pushInChunks: async (repository: string, text: string) => {
      const digest = digestOf(text)
      const id = await startUpload(deps, by, placeOf(repository))
      await appendToUpload(deps, by, placeOf(repository), id, bodyOf(text))
      await closeUpload(deps, by, placeOf(repository), id, digest, { stream: null })
      return digest
    },
    mount: (to: string, from: string, digest: Digest) =>
      mountBlob(deps, by, { to: placeOf(to), from: placeOf(from), digest }),
    head: async (repository: string, digest: Digest) => {
      const found = await blobReader.find(by.caller, placeOf(repository), digest)
      await leases.rely(found.link)
    },
    /** What a GET would send. */
    pull: async (repository: string, digest: Digest) => {
      const found = await blobReader.open(await blobReader.find(by.caller, placeOf(repository), digest))
      if (found.kind === 'bytes') return found.bytes.text()
      return found.kind === 'file' ? Bun.file(found.path).text() : Promise.reject(new Error(found.kind))
    },
    pushImage: (repository: string, tag: string | undefined, blobs: readonly Digest[]) =>
      pushDocument(repository, tag, manifestOf(blobs, `${repository} ${tag}`)),
    /** An index of manifests, untagged unless a tag is given. */
    pushIndex: (repository: string, children: readonly Digest[], tag?: string) =>
      pushDocument(repository, tag, indexOf(children)),
    pushDocument,
    pullManifest: async (repository: string, digest: Digest) => {
      const found = await manifestReader.find(by.caller, placeOf(repository), { kind: 'digest', digest })
      return new TextDecoder().decode(await manifestReader.body(found))
    },
    deleteTag: (repository: string, tag: string) => deleteTag(deps, by, placeOf(repository), tag),
    removeImage: (repository: string, tag: string, through = db) =>
      removeImage({ ...deps, db: through }, by, placeOf(repository), tag),
    deleteManifest: (repository: string, digest: Digest) => deleteManifest(deps, by, placeOf(repository), digest),
    deleteBlob: (repository: string, digest: Digest) => deleteBlob(deps, by, placeOf(repository), digest),
    deleteRepository: async (repository: string) => {
      const id = await idOf(repository)
      await deleteRepository(deps, by, placeOf(repository))
      await purgeRepository(deps, id)
    },
    /** A whole sweep; what it did. */
    sweep: async (changes: Partial<SweepDeps> = {}): Promise<SweepSums> => {
      const { state, isOver } = await runSweep({ ...sweepDeps, ...changes }, beginSweep(time.nowMs))
      if (!isOver) throw new Error('the sweep paused')
      return state.done
    },
    bytesOf: async (repository: string) => {
      const rows = await db.read
        .selectFrom('total_deltas')
        .select('delta')
        .where('owner', '=', `repository:${await idOf(repository)}`)
        .where('metric', '=', 'bytes')
        .execute()
      return rows.reduce((sum, row) => sum + row.delta, 0)
    },
    /** Of the account: what is counted, and what is found by a look at every row. */
    figures: async () => {
      const owner = `account:${'a'.repeat(32)}` as const
      const totals = await readTotals(db.read, [owner])
      const linked = db.read.selectFrom('blob_links').select('digest')
      const blobs = await db.read.selectFrom('blobs').select('size_bytes').where('digest', 'in', linked).execute()
      const tags = await db.read.selectFrom('tags').select('id').execute()
      return {
        counted: { bytes: totals(owner, 'bytes'), tags: totals(owner, 'tags') },
        found: { bytes: blobs.reduce((sum, row) => sum + row.size_bytes, 0), tags: tags.length },
      }
    },
    stateOf: async (digest: Digest) => {
      const row = await db.read
        .selectFrom('blobs')
        .select('state')
        .where('digest', '=', digestToBytes(digest))
        .executeTakeFirst()
      return row?.state
    },
    files: () =>
      readdirSync(dataDir, { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile())
        .map(entry => join(entry.parentPath, entry.name).slice(dataDir.length + 1)),
    [Symbol.asyncDispose]: async () => {
      await leases[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

export function digestOf(text: string): Digest {
  const digest = parseDigest(sha256(text))
  if (!digest) throw new Error('no digest')
  return digest
}

export function placeOf(repository: string): { organization: string; repository: string } {
  return { organization: 'group', repository }
}

/** An image whose first blob is its config. */
export function manifestOf(blobs: readonly Digest[], mark: string): string {
  const [config, ...layers] = blobs.map((digest, index) => ({
    mediaType: `application/vnd.oci.image.${index === 0 ? 'config.v1+json' : 'layer.v1.tar'}`,
    digest,
    size: 1,
  }))
  return JSON.stringify({ schemaVersion: 2, mediaType: ociImage, config, layers, annotations: { mark } })
}

const ociIndex = 'application/vnd.oci.image.index.v1+json'

export function indexOf(children: readonly Digest[]): string {
  const manifests = children.map(digest => ({ mediaType: ociImage, digest, size: 1 }))
  return JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests })
}

export function bodyOf(text: string) {
  return { stream: new Response(text).body }
}

async function makeAdministrator(db: Database): Promise<Requester> {
  const account = { id: 'a'.repeat(32), name: 'OTC', created_ms: 0 }
  const user = { id: 'b'.repeat(32), account_id: account.id, name: 'admin', password_hash: '', created_ms: 0 }
  await db.write(async tx => {
    await tx.insertInto('accounts').values(account).execute()
    await tx
      .insertInto('users')
      .values({ ...user, role: 'te_admin', is_enabled: 1, epoch: 1 })
      .execute()
  })
  const { id: accountId, name: accountName } = account
  return {
    caller: { kind: 'user', userId: user.id, userName: 'admin', accountId, accountName, userEpoch: 1 },
    origin: { requestId: 'test', sourceAddress: '' },
  }
}
