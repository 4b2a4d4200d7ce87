/** Error codes of distribution-spec, "Error codes", and below them those that only Docker's registry defined. */
export const ociErrorCodes = [
  'BLOB_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'BLOB_UPLOAD_UNKNOWN',
  'DIGEST_INVALID',
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_INVALID',
  'MANIFEST_UNKNOWN',
  'NAME_INVALID',
  'NAME_UNKNOWN',
  'SIZE_INVALID',
  'UNAUTHORIZED',
  'DENIED',
  'UNSUPPORTED',
  'TOOMANYREQUESTS',
  'TAG_INVALID',
  'RANGE_INVALID',
  'PAGINATION_NUMBER_INVALID',
  'UNAVAILABLE',
  'UNKNOWN',
] as const

export type OciErrorCode = (typeof ociErrorCodes)[number]

/** `message` is for people; `detail` is any JSON value that helps a program. */
export type OciError = { code: OciErrorCode; message: string; detail?: unknown }

/** The JSON text of an error answer with one error. */
export function errorBody(code: OciErrorCode, message: string, detail?: unknown): string {
  return errorsBody([detail === undefined ? { code, message } : { code, message, detail }])
}

/** The JSON text of an error answer with several errors, as for a manifest with several unknown blobs. */
export function errorsBody(errors: readonly OciError[]): string {
  return JSON.stringify({ errors })
}
