import type { DomainError, ErrorCode, ErrorDetail } from '../../core/errors.ts'
import { type ErrorEnvelope, makeEnvelope } from '../../protocol/manage/envelope.ts'
import type { SwrCode } from '../../protocol/manage/error-codes.ts'
import { fieldNamesOf } from './field-names.ts'
import type { Operation } from './operation.ts'

/** SWR's number of an error; its first three digits are the HTTP status, but for the few that say another. */
export type Wire = { status: number; code: string }

export type ErrorAnswer = { status: number; envelope: ErrorEnvelope }

/** What a code can depend on: the data of the error and what the call was about. */
type About = { detail: ErrorDetail; operation: Pick<Operation, 'method' | 'on' | 'failureCode'> }

/** One of several, by what it is about. `among` are those that a call to the operation may be answered. */
type Choice = { of: (about: About) => Wire; among: (operation: Operation) => readonly Wire[] }
/** What the gateway before SWR answers to a signature that does not hold (Huawei Cloud, "API Gateway Error Codes"). */
const gateway: Wire = { status: 401, code: 'APIGW.0301' }

/** Core's codes on this wire (SWR API, "Error Codes"). */
const table = {
  unauthenticated: { status: 401, code: 'SVCSTG.S2I.4019000' },
  credentials_invalid: {
    of: ({ detail }) => (detail.proof === 'signature' ? gateway : swr(4010000)),
    among: () => [swr(4010000), gateway],
  },
  scope_insufficient: swr(4039002),
  denied: byPlace({ repository: 4037018, organization: 4037017, foreign: 4039001 }),
  too_many_requests: swr(4031042),
  login_refused: swr(4031033),
  read_only: swr(4031033),
  deletion_disabled: swr(4031033),
  account_unknown: swr(4040083),
  project_unknown: swr(4040083),
  user_unknown: swr(4001067),
  access_key_unknown: swr(4040083),
  role_unknown: swr(4040083),
  second_factor_unknown: swr(4040083),
  token_unknown: swr(4040083),
  organization_unknown: swr(4040058),
  repository_unknown: swr(4040010),
  grant_unknown: byOperation(4040091, 4040078),
  share_unknown: swr(4040091),
  retention_unknown: byMethod(4000306),
  manifest_unknown: swr(4041060),
  tag_unknown: swr(4040048),
  blob_unknown: swr(4041051),
  upload_unknown: swr(4040043),
  path_unknown: swr(4040083),
  method_unsupported: { status: 405, code: 'SVCSTG.SWR.4040083' },
  account_exists: swr(4090089),
  user_exists: swr(4090089),
  second_factor_exists: swr(4090089),
  organization_exists: swr(4090060),
  repository_exists: swr(4090006),
  grant_exists: byOperation(4090089, 4090076),
  share_exists: swr(4090089),
  agency_exists: swr(4090089),
  tag_exists: swr(4090006),
  retention_exists: swr(4090089),
  organization_not_empty: swr(4060074),
  precondition_failed: { status: 412, code: 'SVCSTG.SWR.4000014' },
  organization_name_invalid: swr(4001028),
  repository_name_invalid: swr(4001029),
  tag_invalid: swr(4009021),
  tags_too_many: swr(4000099),
  quota_exceeded: byQuota(),
  digest_invalid: swr(4000013),
  manifest_invalid: swr(4000068),
  manifest_reference_missing: swr(4041051),
  config_unavailable: swr(4000066),
  blob_in_use: swr(4060053),
  size_invalid: swr(4000014),
  upload_range_invalid: swr(4000039),
  upload_busy: swr(4090023),
  page_invalid: swr(4000056),
  filter_invalid: swr(4001035),
  level_invalid: byOperation(4001066, 4001065),
  parameter_missing: swr(4001014),
  parameter_invalid: byParameter(),
  body_unparsable: byForm(4001005, 4001018),
  body_type_unsupported: swr(4001018),
  body_too_large: swr(4131001),
  description_too_long: swr(4131012),
  unsupported: swr(4000014),
  storage_full: swr(5070070),
  unavailable: {
    of: ({ operation }) => failureOf(operation),
    among: operation => [failureOf(operation)],
  },
} satisfies Record<ErrorCode, Wire | Choice>

/** What a call to the operation may be answered where core throws the code. */
export function wiresOf(code: ErrorCode, operation: Operation): readonly Wire[] {
  const entry: Wire | Choice = table[code]
  return 'among' in entry ? entry.among(operation) : [entry]
}

/** Status and envelope of an error of core. Of a failure of ours the envelope says nothing but where to look. */
export function errorAnswer(error: DomainError, operation: About['operation'], requestId: string): ErrorAnswer {
  const entry: Wire | Choice = table[error.code]
  const { status, code } = 'of' in entry ? entry.of({ detail: error.detail, operation }) : entry
  if (status >= 500) return failureAnswer({ status, code, requestId })
  const message = code === gateway.code ? `Incorrect IAM authentication information: ${error.message}` : error.message
  return { status, envelope: makeEnvelope({ code, message, detail: detailText(error.detail), requestId }) }
}

/** The answer to a request that met an error nobody foresaw. */
export function unforeseenAnswer(operation: About['operation'], requestId: string): ErrorAnswer {
  return failureAnswer({ ...failureOf(operation), requestId })
}

function failureAnswer({ status, code, requestId }: Wire & { requestId: string }): ErrorAnswer {
  const message = status === 507 ? 'no space is left to store this' : 'something went wrong here'
  const detail = `the server's log says more under request id ${requestId}`
  return { status, envelope: makeEnvelope({ code, message, detail, requestId }) }
}

function detailText({ reason }: ErrorDetail): string {
  return typeof reason === 'string' ? reason : ''
}

/** By what the error says it is about; `foreign` is a project of another. */
function byPlace(codes: { repository: SwrCode; organization: SwrCode; foreign: SwrCode }): Choice {
  return {
    of: ({ detail }) => {
      if (detail.isForeign === true) return swr(codes.foreign)
      return swr(isAboutRepository(detail) ? codes.repository : codes.organization)
    },
    among: ({ on, path }) => [
      swr(codes.organization),
      ...(on === 'repository' ? [swr(codes.repository)] : []),
      ...(path.includes(':project') ? [swr(codes.foreign)] : []),
    ],
  }
}

/** By what there would be too many of. */
function byQuota(): Choice {
  const codes = new Map<string, SwrCode>([
    ['organizations', 4000097],
    ['repositories', 4000098],
    ['tags', 4000099],
  ])
  return {
    of: ({ detail }) => swr(codes.get(String(detail.quota)) ?? 4000097),
    among: ({ on, path }) => [swr(on === 'organization' ? 4000097 : path.endsWith('/tags') ? 4000099 : 4000098)],
  }
}

/** By what the call is about. */
function byOperation(ofRepository: SwrCode, ofOrganization: SwrCode): Choice {
  const of = ({ on }: About['operation']) => swr(on === 'repository' ? ofRepository : ofOrganization)
  return { of: ({ operation }) => of(operation), among: operation => [of(operation)] }
}

/** What is missing is 404; but of a deletion Terraform takes the code with its own status for "gone already". */
function byMethod(code: SwrCode): Choice {
  const of = ({ method }: About['operation']) => ({ ...swr(code), ...(method !== 'DELETE' && { status: 404 }) })
  return { of: ({ operation }) => of(operation), among: operation => [of(operation)] }
}

function byForm(ofForm: SwrCode, otherwise: SwrCode): Choice {
  return {
    of: ({ detail }) => swr(detail.form === true ? ofForm : otherwise),
    among: ({ body }) => (body?.form ? [swr(ofForm), swr(otherwise)] : [swr(otherwise)]),
  }
}

/** Parameters that have a code of their own. */
function byParameter(): Choice {
  const codes = new Map<string, SwrCode>([
    ['is_public', 4001009],
    ['namespace', 4001028],
    ['repository', 4001029],
    ['user_id', 4001067],
    ['user_name', 4001067],
    ['access_domain', 4001041],
    ['permit', 4001091],
    ['order_column', 4001096],
    ['order_type', 4001096],
  ])
  return {
    of: ({ detail }) => swr(codes.get(String(detail.parameter)) ?? 4000014),
    among: operation => [...new Set(fieldNamesOf(operation).map(name => codes.get(name) ?? 4000014))].map(swr),
  }
}

function isAboutRepository({ place }: ErrorDetail): boolean {
  return typeof place === 'object' && place !== null && 'repository' in place && place.repository !== undefined
}

function failureOf({ failureCode }: About['operation']): Wire {
  return { status: 500, code: `SVCSTG.SWR.${failureCode}` }
}

function swr(code: SwrCode): Wire {
  return { status: Math.floor(code / 10_000), code: `SVCSTG.SWR.${code}` }
}
