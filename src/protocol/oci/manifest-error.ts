/**
 * Why a manifest is refused: `schema1_unsupported` for Docker's schema 1, `media_type_unsupported` for a type that is
 * no manifest's, `manifest_invalid` for all else.
 */
export type ManifestErrorCode = 'manifest_invalid' | 'schema1_unsupported' | 'media_type_unsupported'

/** `reason` is a sentence for the person who pushed; it quotes at most a short piece of what came. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError'

  constructor(
    readonly code: ManifestErrorCode,
    readonly reason: string,
    options?: { cause?: unknown },
  ) {
    super(reason, options)
  }
}

export function invalidManifest(reason: string, options?: { cause?: unknown }): ManifestError {
  return new ManifestError('manifest_invalid', reason, options)
}

/** A value from the document, cut so that an error cannot be made to carry megabytes or control characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > maxQuotedLength ? `${text.slice(0, maxQuotedLength)}…` : text)
}

const maxQuotedLength = 80
