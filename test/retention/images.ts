import { openAccess } from '../../src/core/access/access.ts'
import type { Requester } from '../../src/core/caller.ts'
import type { Clock } from '../../src/core/clock.ts'
import { pushManifest } from '../../src/core/manifests/push.ts'
import type { Database } from '../../src/metadata/database.ts'
import { type Digest, digestToBytes, parseDigest } from '../../src/protocol/oci/digest.ts'
import { parseManifest } from '../../src/protocol/oci/manifest.ts'
import { digestOf, imageOf, indexOf, mediaTypeOf } from '../oci/manifests-of-tests.ts'

export type Images = ReturnType<typeof openImages>

/**
 * Pushes of images without blobs into repositories of an organization, by core's own command and at the clock's time; each
 * text is an image of its own.
 */
export function openImages({ db, clock }: { db: Database; clock: Clock }, by: Requester, organization: string) {
  const access = openAccess({ db, clock })
  let agoMs = 0
  const past = { nowMs: () => clock.nowMs() - agoMs }
  const push = async (repository: string, manifest: string, tags: readonly string[]): Promise<Digest> => {
    const digest = parseDigest(digestOf('sha256', manifest))
    if (!digest) throw new Error('no digest')
    const body = new TextEncoder().encode(manifest)
    const parsed = parseManifest(body, mediaTypeOf(manifest))
    const place = { organization, repository }
    await pushManifest({ db, clock: past, access, sparseManifests: true }, by, place, async () => ({
      ...{ body, digest, tags, manifest: parsed },
    }))
    return digest
  }
  const repositoryId = async (repository: string) => {
    const row = await db.read
      .selectFrom('repositories as r')
      .innerJoin('organizations as o', 'o.id', 'r.organization_id')
      .select('r.id')
      .where('o.name', '=', organization)
      .where('r.name', '=', repository)
      .executeTakeFirstOrThrow()
    return row.id
  }
  return {
    /** Pushes that follow are so much older than now. */
    setAge: (ms: number) => {
      agoMs = ms
    },
    push: (repository: string, tag: string, text = tag) =>
      push(repository, imageOf('{}', [], { annotations: { text } }), [tag]),
    /** An image without a tag. */
    pushUntagged: (repository: string, text: string) =>
      push(repository, imageOf('{}', [], { annotations: { text } }), []),
    pushIndex: (repository: string, tag: string, children: readonly string[]) =>
      push(repository, indexOf(children.map(text => imageOf('{}', [], { annotations: { text } }))), [tag]),
    /** A signature in the form of a tag. */
    pushSignature: (repository: string, of: Digest, kind = 'sig') =>
      push(repository, imageOf('{}', [], { annotations: { text: `${kind} of ${of}` } }), [
        `${of.replace(':', '-')}.${kind}`,
      ]),
    repositoryId,
    /** Names of the tags, in byte order. */
    tags: async (repository: string) => {
      const rows = await db.read
        .selectFrom('tags')
        .select('name')
        .where('repository_id', '=', await repositoryId(repository))
        .orderBy('name')
        .execute()
      return rows.map(row => row.name)
    },
    hasManifest: async (repository: string, digest: Digest) => {
      const rows = await db.read
        .selectFrom('manifests')
        .select('digest')
        .where('repository_id', '=', await repositoryId(repository))
        .where('digest', '=', digestToBytes(digest))
        .execute()
      return rows.length > 0
    },
  }
}
