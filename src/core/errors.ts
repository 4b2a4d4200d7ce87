/**
 * The closed list of what can go wrong in the registry. Core throws these and nothing else; each surface owns one
 * table from these codes to its wire, and no surface can tell "not there" from "not visible to you", because both
 * leave core as the same `*_unknown` code (invariant 4).
 */
export const errorCodes = [
  // who is asking
  'unauthenticated', // no proof of identity came with the request
  'credentials_invalid', // a proof came and it is wrong, expired or revoked
  'scope_insufficient', // the docker token does not hold the scope that the request needs
  'denied', // the caller sees the object and may not do this to it
  'too_many_requests',
  'login_refused', // too many logins of this name failed from this address
  // the installation takes this from nobody now
  'read_only',
  'deletion_disabled',
  // what was asked for is not there, or not for this caller to see
  'account_unknown',
  'project_unknown',
  'user_unknown',
  'access_key_unknown',
  'role_unknown',
  'second_factor_unknown',
  'token_unknown',
  'organization_unknown',
  'repository_unknown',
  'grant_unknown',
  'retention_unknown',
  'share_unknown',
  'manifest_unknown',
  'tag_unknown',
  'blob_unknown',
  'upload_unknown',
  'path_unknown',
  'method_unsupported',
  // it is there already
  'account_exists',
  'user_exists',
  'second_factor_exists',
  'organization_exists',
  'repository_exists',
  'grant_exists',
  'retention_exists',
  'share_exists',
  'agency_exists',
  'tag_exists', // and the request does not say that it may be moved
  'organization_not_empty',
  'precondition_failed', // If-Match or If-None-Match; detail: the digest that is there
  // what came is not acceptable
  'organization_name_invalid',
  'repository_name_invalid',
  'tag_invalid',
  'tags_too_many', // more than one push may move
  'quota_exceeded', // detail: which quota and its limit
  'digest_invalid',
  'manifest_invalid',
  'manifest_reference_missing', // detail: the digests that this repository does not hold
  'config_unavailable', // an image without a config, or with one too large to show
  'blob_in_use',
  'size_invalid',
  'upload_range_invalid', // detail: the offset that the upload has
  'upload_busy', // another request is writing to this upload
  'page_invalid',
  'filter_invalid',
  'level_invalid',
  'parameter_missing',
  'parameter_invalid',
  'body_unparsable',
  'body_type_unsupported',
  'body_too_large',
  'description_too_long',
  'unsupported',
  // the machine
  'storage_full',
  'unavailable',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** Data that goes with an error; surfaces decide how it is worded on their wire. */
export type ErrorDetail = Readonly<Record<string, unknown>>

/**
 * What core throws. `message` is a sentence for people that says what to do; `detail` is data for programs. A foreign
 * error that was translated stands in `cause`.
 */
export class DomainError extends Error {
  override readonly name = 'DomainError'

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly detail: ErrorDetail = {},
    options?: { cause?: unknown },
  ) {
    super(message, options)
  }
}

/** True for an error of core with one of these codes (any code when none is named). */
export function isDomainError(error: unknown, ...codes: ErrorCode[]): error is DomainError {
  return error instanceof DomainError && (codes.length === 0 || codes.includes(error.code))
}

/** True when a write that threw this may stand all the same: of any other nothing remains. */
export function mayBeCommitted(error: unknown): boolean {
  return !isDomainError(error) || error.code === 'unavailable'
}
