import { DomainError } from '../../core/errors.ts'
import { authorizeAgency, readAgency } from '../../core/quotas/agency.ts'
import { formatDay } from '../../core/quotas/days/day.ts'
import { readDailyReport } from '../../core/quotas/days/report.ts'
import { readOverview } from '../../core/quotas/overview.ts'
import { readQuotas } from '../../core/quotas/read-quotas.ts'
import {
  type AgencyView,
  agencyView,
  megabytes,
  type OverviewView,
  overviewView,
  type QuotasView,
  quotasQuery,
  quotasView,
  type ReportView,
  reportFrequencies,
  reportTypes,
  reportView,
  unlimited,
} from '../../protocol/manage/account.ts'
import { placeNamed } from './names.ts'
import {
  type Answer,
  type Call,
  gone,
  isGone,
  type ManageDeps,
  type Operation,
  operation,
  shown,
  shows,
} from './operation.ts'

const ofAccount = { on: 'organization', failureCode: '5000007', errors: [] } as const

/** SWR API, "Quota Management" and "Others". */
export const accountOperations: readonly Operation[] = [
  operation({
    ...ofAccount,
    method: 'GET',
    path: '/projects/:project/quotas',
    name: 'listQuotas',
    summary: 'Shows how many organizations, repositories and tags there are and may be.',
    route: 'account.quotas',
    query: quotasQuery,
    answer: shows(quotasView),
    errors: ['organization_name_invalid', 'organization_unknown', 'repository_name_invalid', 'repository_unknown'],
    run: quotas,
  }),
  operation({
    ...ofAccount,
    method: 'GET',
    path: '/overview',
    name: 'showDomainOverview',
    summary: 'Shows figures of the whole account.',
    route: 'account.overview',
    answer: shows(overviewView),
    run: overview,
  }),
  operation({
    ...ofAccount,
    method: 'GET',
    path: '/reports/:resource/:frequency',
    // As SWR's own example writes it.
    alias: '/v2/reports/:resource/:frequency',
    name: 'showDomainResourceReports',
    summary: 'Shows what the account stored (`store`), or served (`downflow`), day by day.',
    route: 'account.report',
    answer: shows(reportView),
    errors: ['parameter_invalid'],
    run: report,
  }),
  operation({
    ...ofAccount,
    method: 'GET',
    path: '/agency',
    name: 'checkAgency',
    summary: 'Shows whether the account has authorized the agency.',
    route: 'agency.get',
    answer: shows(agencyView),
    run: showAgency,
  }),
  operation({
    ...ofAccount,
    method: 'POST',
    path: '/agency',
    name: 'createAgency',
    summary: 'Authorizes the agency.',
    route: 'agency.authorize',
    failureCode: '5000046',
    answer: isGone,
    errors: ['agency_exists'],
    run: authorize,
  }),
]

const keys = { organizations: 'namespace', repositories: 'repository', tags: 'tag' } as const

async function quotas(deps: ManageDeps, call: Call): Promise<Answer<QuotasView>> {
  const { searchParams } = call.exchange.url
  const organization = searchParams.get('namespace')
  const repository = searchParams.get('repository')
  const found = await readQuotas(deps, call.by.caller, {
    projectId: call.path.project ?? '',
    ...(organization && repository && { place: placeNamed(organization, repository) }),
  })
  return shown({
    quotas: found.map(({ kind, limit, used }) => ({
      quota_limit: limit ?? unlimited,
      quota_key: keys[kind],
      unit: '',
      used,
    })),
  })
}

async function overview(deps: ManageDeps, call: Call): Promise<Answer<OverviewView>> {
  const { caller } = call.by
  const found = await readOverview(deps, caller)
  return shown({
    domain_id: found.accountId,
    domain_name: caller.accountName,
    namspace_num: found.organizationCount,
    repo_num: found.repositoryCount,
    image_num: found.tagCount,
    store_space: megabytes(found.storedBytes),
    downflow_size: megabytes(found.servedBytes),
  })
}

async function report(deps: ManageDeps, call: Call): Promise<Answer<ReportView>> {
  const kind = oneOfPath(reportTypes, call, 'resource')
  oneOfPath(reportFrequencies, call, 'frequency')
  const figures = await readDailyReport(deps, call.by.caller, kind)
  return shown(figures.map(({ day, bytes }) => ({ date: formatDay(day), value: megabytes(bytes) })))
}

async function showAgency(deps: ManageDeps, call: Call): Promise<Answer<AgencyView>> {
  const { accountId, isAuthorized } = await readAgency(deps, call.by.caller)
  return shown({ domain_id: accountId, is_agency: isAuthorized })
}

async function authorize(deps: ManageDeps, call: Call): Promise<typeof gone> {
  await authorizeAgency(deps, call.by)
  return gone
}

function oneOfPath<Value extends string>(values: readonly Value[], { path }: Call, part: string): Value {
  const value = values.find(each => each === path[part])
  if (value !== undefined) return value
  throw new DomainError('parameter_invalid', `there is no report of ${path[part]}`, {
    reason: `in its place stands one of ${values.join(', ')}`,
  })
}
