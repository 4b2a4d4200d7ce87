import { type Digest, digestAlgorithm, digestHex, parseDigest } from './digest.ts'
import { parseTag, type Tag } from './names.ts'

/** What cosign attaches to an image by a tag: the tag's ending, and what SWR calls such an accessory. */
export const accessoryEndings = {
  sig: 'signature.cosign',
  att: 'attestation.cosign',
  sbom: 'sbom.cosign',
} as const

export type AccessoryEnding = keyof typeof accessoryEndings

const endings = Object.keys(accessoryEndings) as AccessoryEnding[]

/**
 * The tags under which cosign puts signature, attestations and SBOM of a manifest: `sha256-<hex>.sig` and so on. A sha512
 * digest makes no tag: it would be too long.
 */
export function accessoryTagsOf(digest: Digest): { tag: Tag; ending: AccessoryEnding }[] {
  return endings.flatMap(ending => {
    const tag = parseTag(`${digest.replace(':', '-')}.${ending}`)
    return tag === undefined ? [] : { tag, ending }
  })
}

/** The tag under which clients list the referrers of a digest themselves (distribution-spec, "Referrers Tag Schema"). */
export function referrersTagOf(digest: Digest): Tag {
  return `${digestAlgorithm(digest)}-${digestHex(digest).slice(0, 64)}` as Tag
}

/** The digest that the tag of an accessory is made of; undefined for every other tag. */
export function targetOfAccessoryTag(tag: string): Digest | undefined {
  const [, algorithm, hex] = /^([a-z0-9]+)-([0-9a-f]+)\.(?:sig|att|sbom)$/.exec(tag) ?? []
  return algorithm === undefined ? undefined : parseDigest(`${algorithm}:${hex}`)
}
