import { z } from 'zod'
import { pageQuery } from './paging.ts'

/** SWR API, "Querying the Signatures of an Image": pages are short. */
export const accessoryPage = { defaultLimit: 10, maxLimit: 100 }
export const referencePage = { defaultLimit: 10, maxLimit: 10 }

const limitOf = ({ defaultLimit, maxLimit }: { defaultLimit: number; maxLimit: number }) =>
  z
    .int()
    .min(1)
    .max(maxLimit)
    .optional()
    .describe(`How many entries a page has at most; ${defaultLimit} unless it is given.`)

export const accessoryQuery = z.object({ limit: limitOf(accessoryPage), offset: pageQuery.offset })

export const referenceQuery = z.object({
  limit: limitOf(referencePage),
  marker: z.string().optional().describe('`next_marker` of the page before.'),
})

/** Something that is attached to an image, e.g. a signature. */
export const accessoryView = z.object({
  id: z.int(),
  domain_id: z.string(),
  namespace_name: z.string(),
  repo_name: z.string(),
  /** Empty for one without a tag of its own. */
  sig_tag: z.string(),
  sig_digest: z.string(),
  target_digest: z.string(),
  size: z.int(),
  type: z.string(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
})

export type AccessoryView = z.infer<typeof accessoryView>

/** `GET …/repos/{repo}/{tag}/accessories`. */
export const accessoryListView = z.object({ total: z.int(), accessories: z.array(accessoryView) })

export type AccessoryListView = z.infer<typeof accessoryListView>

/** `GET …/repos/{repo}/{tag}/references`. On the last page there is no marker. */
export const referenceListView = z.object({
  tags: z.array(z.string()),
  has_more: z.boolean(),
  next_marker: z.string().optional(),
})

export type ReferenceListView = z.infer<typeof referenceListView>

/** What SWR calls something by the artifact type under which it refers to its image; a type that it has no name for stays. */
export function accessoryTypeOf(artifactType: string): string {
  if (artifactType === 'application/vnd.cncf.notary.signature') return 'signature.notation'
  if (artifactType === 'application/vnd.dev.cosign.artifact.sig.v1+json') return 'signature.cosign'
  if (artifactType.startsWith('application/vnd.dev.sigstore.bundle.')) return 'signature.cosign'
  return artifactType
}
