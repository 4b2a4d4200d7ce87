import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BlobStore } from '../../src/blobstore/blobstore.ts'
import { type CommitStep, openFilesystemStore } from '../../src/blobstore/filesystem.ts'
import { type Access, openAccess } from '../../src/core/access/access.ts'
import type { BlobDeps } from '../../src/core/blobs/deps.ts'
import { UploadHashes } from '../../src/core/blobs/upload-hashes.ts'
import type { Requester } from '../../src/core/caller.ts'
import { createOrganization } from '../../src/core/organizations/organizations.ts'
import { parseOrganizationName } from '../../src/protocol/manage/names.ts'
import type { TestDatabase } from '../databases.ts'

export const hourMs = 3_600_000

/** What uploads need beside a request, with a clock that stands still until it is moved. */
export type UploadStand = AsyncDisposable & {
  store: BlobStore
  access: Access
  deps: BlobDeps
  /** An administrator. */
  by: Requester
  /** Moves the clock, which begins at the machine's time: file times are. */
  wait: (ms: number) => void
  /** Another process on the same data. */
  restart: () => void
  uploadsDir: string
  stagedFiles: () => string[]
}

/** Opens core on a database and an empty folder, with the organization `group`. Takes over the database. */
export async function openUploadStand(
  opened: TestDatabase,
  { atCommitStep = async () => {} }: { atCommitStep?: (step: CommitStep) => Promise<void> } = {},
): Promise<UploadStand> {
  const dataDir = mkdtempSync(join(tmpdir(), 'stower-uploads-'))
  const store = await openFilesystemStore({ dataDir, atCommitStep })
  let nowMs = Date.now()
  const access = openAccess(opened.db)
  const deps = {
    db: opened.db,
    store,
    access,
    clock: { nowMs: () => nowMs },
    hashes: new UploadHashes(),
    uploadExpiryMs: 24 * hourMs,
    deletesBlobsInUse: false,
  }
  const account = { id: 'a'.repeat(32), name: 'OTC', created_ms: 0 }
  const user = { id: 'b'.repeat(32), account_id: account.id, name: 'admin', password_hash: '', created_ms: 0 }
  await opened.db.write(async tx => {
    await tx.insertInto('accounts').values(account).execute()
    await tx
      .insertInto('users')
      .values({ ...user, is_administrator: 1, is_enabled: 1, epoch: 1 })
      .execute()
  })
  const by: Requester = {
    caller: {
      kind: 'user',
      userId: user.id,
      userName: 'admin',
      accountId: account.id,
      accountName: 'OTC',
      userEpoch: 1,
    },
    origin: { requestId: 'test', sourceAddress: '' },
  }
  const name = parseOrganizationName('group')
  if (name.kind === 'invalid') throw new Error(name.reason)
  await createOrganization(deps, by, name.name)
  return {
    store,
    access,
    deps,
    by,
    wait: ms => {
      nowMs += ms
    },
    restart: () => {
      deps.hashes = new UploadHashes()
    },
    uploadsDir: join(dataDir, 'uploads'),
    stagedFiles: () => readdirSync(join(dataDir, 'uploads')),
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]()
      await opened.dispose()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

export const bodyOf = (text: string) => ({ stream: new Response(text).body })
