import type { Database } from '../../src/metadata/database.ts'

/** Puts an artifact with these tags into a repository, as a push would have left it. */
export async function insertImage(
  db: Database,
  { repositoryId, tags }: { repositoryId: number; tags: readonly string[] },
): Promise<void> {
  const digest = Uint8Array.from([1, ...Array(32).fill(7)])
  const at = { created_ms: 1, updated_ms: 1 }
  await db.write(async tx => {
    await tx
      .insertInto('manifest_bodies')
      .values({ digest, body: new TextEncoder().encode('{}') })
      .onConflict(conflict => conflict.doNothing())
      .execute()
    await tx
      .insertInto('manifests')
      .values({
        ...{ repository_id: repositoryId, digest, media_type: 'x', artifact_type: null, size_bytes: 2 },
        ...{
          config_digest: null,
          subject_digest: null,
          content_bytes: 0,
          annotations: null,
          pusher_id: '',
          pushed_ms: 1,
        },
      })
      .execute()
    await tx
      .insertInto('tags')
      .values(tags.map(name => ({ repository_id: repositoryId, name, digest, ...at })))
      .execute()
    await tx
      .insertInto('total_deltas')
      .values({ owner: `repository:${repositoryId}`, metric: 'tags', delta: tags.length })
      .execute()
  })
}
