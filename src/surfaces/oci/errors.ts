import type { DomainError, ErrorCode } from '../../core/errors.ts'
import { errorsBody, type OciError, type OciErrorCode } from '../../protocol/oci/errors.ts'

/** Core's codes on this wire (distribution-spec, "Error Codes"). */
export const ociErrors = {
  unauthenticated: [401, 'UNAUTHORIZED'],
  credentials_invalid: [401, 'UNAUTHORIZED'],
  scope_insufficient: [401, 'UNAUTHORIZED'],
  denied: [403, 'DENIED'],
  too_many_requests: [429, 'TOOMANYREQUESTS'],
  login_refused: [403, 'DENIED'],
  read_only: [403, 'DENIED'],
  deletion_disabled: [405, 'UNSUPPORTED'],
  account_unknown: [404, 'NAME_UNKNOWN'],
  project_unknown: [404, 'NAME_UNKNOWN'],
  user_unknown: [404, 'NAME_UNKNOWN'],
  access_key_unknown: [404, 'NAME_UNKNOWN'],
  role_unknown: [404, 'NAME_UNKNOWN'],
  second_factor_unknown: [404, 'NAME_UNKNOWN'],
  token_unknown: [404, 'NAME_UNKNOWN'],
  organization_unknown: [404, 'NAME_UNKNOWN'],
  repository_unknown: [404, 'NAME_UNKNOWN'],
  grant_unknown: [404, 'NAME_UNKNOWN'],
  retention_unknown: [404, 'NAME_UNKNOWN'],
  share_unknown: [404, 'NAME_UNKNOWN'],
  manifest_unknown: [404, 'MANIFEST_UNKNOWN'],
  tag_unknown: [404, 'MANIFEST_UNKNOWN'],
  blob_unknown: [404, 'BLOB_UNKNOWN'],
  upload_unknown: [404, 'BLOB_UPLOAD_UNKNOWN'],
  path_unknown: [404, 'NAME_UNKNOWN'],
  method_unsupported: [405, 'UNSUPPORTED'],
  account_exists: [409, 'DENIED'],
  user_exists: [409, 'DENIED'],
  second_factor_exists: [409, 'DENIED'],
  organization_exists: [409, 'DENIED'],
  repository_exists: [409, 'DENIED'],
  grant_exists: [409, 'DENIED'],
  retention_exists: [409, 'DENIED'],
  share_exists: [409, 'DENIED'],
  agency_exists: [409, 'DENIED'],
  tag_exists: [409, 'DENIED'],
  organization_not_empty: [409, 'DENIED'],
  precondition_failed: [412, 'DENIED'],
  organization_name_invalid: [400, 'NAME_INVALID'],
  // Not NAME_INVALID: docker tries that again for a minute before it shows it.
  repository_name_invalid: [403, 'DENIED'],
  tag_invalid: [400, 'TAG_INVALID'],
  tags_too_many: [414, 'TAG_INVALID'],
  quota_exceeded: [403, 'DENIED'],
  digest_invalid: [400, 'DIGEST_INVALID'],
  manifest_invalid: [400, 'MANIFEST_INVALID'],
  manifest_reference_missing: [404, 'MANIFEST_BLOB_UNKNOWN'],
  config_unavailable: [400, 'UNSUPPORTED'],
  blob_in_use: [405, 'UNSUPPORTED'],
  size_invalid: [400, 'SIZE_INVALID'],
  upload_range_invalid: [416, 'BLOB_UPLOAD_INVALID'],
  upload_busy: [409, 'BLOB_UPLOAD_INVALID'],
  page_invalid: [400, 'PAGINATION_NUMBER_INVALID'],
  filter_invalid: [400, 'UNSUPPORTED'],
  level_invalid: [400, 'UNSUPPORTED'],
  parameter_missing: [400, 'UNSUPPORTED'],
  parameter_invalid: [400, 'UNSUPPORTED'],
  body_unparsable: [400, 'MANIFEST_INVALID'],
  body_type_unsupported: [415, 'UNSUPPORTED'],
  body_too_large: [413, 'SIZE_INVALID'],
  description_too_long: [413, 'SIZE_INVALID'],
  unsupported: [405, 'UNSUPPORTED'],
  storage_full: [507, 'UNKNOWN'],
  unavailable: [503, 'UNAVAILABLE'],
} satisfies Record<ErrorCode, readonly [status: number, code: OciErrorCode]>

/** Status and JSON body of an error on this wire. */
export function toWire(error: DomainError, requestId: string): { status: number; body: string } {
  const [status, code] = ociErrors[error.code]
  // What is broken inside is for the log; the sentence there may name files and hosts.
  if (error.code === 'unavailable') {
    const message = `the registry can't do this now; its log says why under request id ${requestId}`
    return { status, body: errorsBody([{ code, message }]) }
  }
  return { status, body: errorsBody(errorsOf(error, code)) }
}

function errorsOf(error: DomainError, code: OciErrorCode): OciError[] {
  const { digests } = error.detail
  // One entry for each thing that is missing, so that a client can push them all before it tries again.
  if (error.code === 'manifest_reference_missing' && Array.isArray(digests)) {
    return digests.map(digest => ({ code, message: error.message, detail: { digest } }))
  }
  return [{ code, message: error.message, detail: detailFor(error) }]
}

/** What a program may want to know; never more than the caller asked for by name. */
function detailFor(error: DomainError): unknown {
  const { digest, reference, expected, found, offsetBytes, tag } = error.detail
  const detail = { digest, reference, expected, found, offset: offsetBytes, tag }
  return Object.values(detail).some(value => value !== undefined) ? detail : undefined
}
