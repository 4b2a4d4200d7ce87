import { type Digest, digestToBytes } from '../../protocol/oci/digest.ts'
import type { Place } from '../access/queries.ts'
import type { Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { recordEvent } from '../events.ts'
import { uncountLinks } from '../quotas/stored/stored-bytes.ts'
import { requireRepository } from '../repositories/push-target.ts'
import type { BlobDeps } from './deps.ts'
import { deleteLink, isBlobInUse, letGo } from './queries.ts'

/**
 * Takes a blob out of this repository; others that hold it keep it. Throws `blob_unknown`, and `blob_in_use` while a
 * manifest of the repository needs it, unless that is allowed; the manifest then waits for the blob to come again.
 */
export async function deleteBlob(
  deps: Pick<BlobDeps, 'db' | 'access' | 'clock' | 'deletesBlobsInUse'>,
  by: Requester,
  place: Required<Place>,
  digest: Digest,
): Promise<void> {
  const target = await requireRepository(deps, by, place, 'content.delete')
  const bytes = digestToBytes(digest)
  await deps.db.write(async tx => {
    if (deps.deletesBlobsInUse) await letGo(tx, target.repositoryId, bytes)
    else if (await isBlobInUse(tx, target.repositoryId, bytes)) {
      throw new DomainError('blob_in_use', 'a manifest of this repository needs the blob: delete the manifest first')
    }
    const sizeBytes = await deleteLink(tx, target.repositoryId, bytes)
    if (sizeBytes === undefined) throw new DomainError('blob_unknown', `${target.path} holds no blob ${digest}`)
    const { repositoryId, accountId } = target
    await uncountLinks(tx, [{ repositoryId, accountId, digest: bytes, sizeBytes }])
    await recordEvent(tx, by, {
      kind: 'blob.deleted',
      atMs: deps.clock.nowMs(),
      accountId: target.accountId,
      organizationId: target.organizationId,
      repositoryId: target.repositoryId,
      digestBefore: bytes,
      detail: { repository: target.path, sizeBytes },
    })
  })
}
