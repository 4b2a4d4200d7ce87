import { isDomainError } from '../../core/errors.ts'
import type { ReadableManifest } from '../../core/manifests/read.ts'
import { acceptsMediaType } from '../../protocol/oci/accept.ts'
import { parseManifest } from '../../protocol/oci/manifest.ts'
import { manifestKind } from '../../protocol/oci/media-types.ts'
import type { Reference, RepositoryPath } from '../../protocol/oci/names.ts'
import type { OciDeps, OciExchange } from './deps.ts'
import { placeOf } from './place.ts'

/**
 * What a client gets that asks by tag, takes single manifests only, and meets an index: the first of its manifests for
 * linux/amd64 that it takes, as in Docker's registry. Undefined where there is none, or an index was asked for by digest.
 */
export async function findPlatformChild(
  deps: OciDeps,
  { caller, exchange }: OciExchange,
  { name, reference }: { name: RepositoryPath; reference: Reference },
  found: ReadableManifest,
): Promise<ReadableManifest | undefined> {
  if (reference.kind !== 'tag' || manifestKind(found.mediaType) !== 'index') return undefined
  const accept = exchange.request.headers.get('accept')
  const { children } = parseManifest(await deps.manifestReader.body(found), found.mediaType)
  const child = children.find(
    ({ mediaType, platform }) =>
      platform?.os === 'linux' &&
      platform.architecture === 'amd64' &&
      manifestKind(mediaType) === 'image' &&
      acceptsMediaType(accept, mediaType),
  )
  if (!child) return undefined
  const byDigest = { kind: 'digest', digest: child.digest } as const
  return deps.manifestReader.find(caller, placeOf(name, exchange.url.host), byDigest).catch(error => {
    // An index that is kept in part.
    if (isDomainError(error, 'manifest_unknown')) return undefined
    throw error
  })
}
