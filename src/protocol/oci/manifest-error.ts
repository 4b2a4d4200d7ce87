/** Why a manifest is refused: a sentence for the person who pushed, with at most a short piece of what came. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError'
}

export function invalidManifest(reason: string, options?: { cause?: unknown }): ManifestError {
  return new ManifestError(reason, options)
}

/** A value from the document, cut so that an error cannot be made to carry megabytes or control characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > maxQuotedLength ? `${text.slice(0, maxQuotedLength)}…` : text)
}

const maxQuotedLength = 80
