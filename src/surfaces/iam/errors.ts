import type { ErrorCode } from '../../core/errors.ts'

/** Keystone's title of each status that this surface answers. */
export const titles = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  416: 'Requested Range Not Satisfiable',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  507: 'Insufficient Storage',
} as const

export type IamStatus = keyof typeof titles

/** The status of every error on the identity API; the body is Keystone's (`errorBody`). */
export const iamErrors = {
  unauthenticated: 401,
  credentials_invalid: 401,
  scope_insufficient: 401,
  denied: 403,
  too_many_requests: 429,
  login_refused: 403,
  read_only: 403,
  deletion_disabled: 403,
  account_unknown: 404,
  project_unknown: 404,
  user_unknown: 404,
  access_key_unknown: 404,
  role_unknown: 404,
  second_factor_unknown: 404,
  token_unknown: 404,
  organization_unknown: 404,
  repository_unknown: 404,
  grant_unknown: 404,
  retention_unknown: 404,
  share_unknown: 404,
  manifest_unknown: 404,
  tag_unknown: 404,
  blob_unknown: 404,
  upload_unknown: 404,
  path_unknown: 404,
  method_unsupported: 405,
  account_exists: 409,
  user_exists: 409,
  second_factor_exists: 409,
  organization_exists: 409,
  repository_exists: 409,
  grant_exists: 409,
  retention_exists: 409,
  share_exists: 409,
  agency_exists: 409,
  tag_exists: 409,
  organization_not_empty: 409,
  precondition_failed: 412,
  organization_name_invalid: 400,
  repository_name_invalid: 400,
  tag_invalid: 400,
  tags_too_many: 400,
  quota_exceeded: 403,
  digest_invalid: 400,
  manifest_invalid: 400,
  manifest_reference_missing: 400,
  config_unavailable: 400,
  blob_in_use: 409,
  size_invalid: 400,
  upload_range_invalid: 416,
  upload_busy: 409,
  page_invalid: 400,
  filter_invalid: 400,
  level_invalid: 400,
  parameter_missing: 400,
  parameter_invalid: 400,
  body_unparsable: 400,
  body_type_unsupported: 415,
  body_too_large: 413,
  description_too_long: 413,
  unsupported: 400,
  storage_full: 507,
  unavailable: 503,
} as const satisfies Record<ErrorCode, IamStatus>

/** Keystone's error object (Identity API v3, "Response Codes"). */
export function errorBody(status: IamStatus, message: string) {
  return { error: { code: status, message, title: titles[status] } }
}

/** SDKs that sign know no keystone: they read what the gateway before the public cloud's IAM says of a signature. */
export function signatureErrorBody(message: string) {
  const reason = `Incorrect IAM authentication information: ${message}`
  return { ...errorBody(401, reason), error_code: 'APIGW.0301', error_msg: reason }
}
