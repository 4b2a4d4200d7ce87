import type { ParsedManifest } from '../../protocol/oci/manifest.ts'
import { isNonDistributable, mediaTypes } from '../../protocol/oci/media-types.ts'

/**
 * What people should know of an answer that went well, as a header (distribution-spec, "Warnings"); nothing without
 * texts. Several make one value, because clients read no list of them.
 */
export function warningHeaders(texts: readonly string[]): Record<string, string> {
  if (texts.length === 0) return {}
  const escaped = texts
    .join(' ')
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .replaceAll(/["\\]/g, '\\$&')
  const [open, close] = ['299 - "', '"']
  const room = mostBytes - 'warning: '.length - open.length - close.length
  // Not between a backslash and what it escapes.
  const cut = escaped.slice(0, room).replace(/(?<!\\)((?:\\\\)*)\\$/, '$1')
  return { warning: `${open}${cut}${close}` }
}

/** What to say of a manifest that was pushed. */
export function warningsOfPush({ mediaType, layers }: ParsedManifest): string[] {
  const texts = warningsOfType(mediaType)
  if (layers.some(layer => isNonDistributable(layer.mediaType))) {
    texts.push('Layers of non-distributable media types are deprecated: their content may be missing here.')
  }
  return texts
}

/** What to say of a manifest of this type, pushed or pulled. */
export function warningsOfType(mediaType: string): string[] {
  if (mediaType !== mediaTypes.ociArtifact) return []
  return [`${mediaType} was withdrawn from the OCI image specification: push an image manifest with artifactType.`]
}

/** Distribution-spec, "Warnings": all of it together. */
const mostBytes = 4096
