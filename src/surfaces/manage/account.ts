import { DomainError } from '../../core/errors.ts'
import { authorizeAgency, readAgency } from '../../core/quotas/agency.ts'
import { formatDay } from '../../core/quotas/days/day.ts'
import { readDailyReport } from '../../core/quotas/days/report.ts'
import { readOverview } from '../../core/quotas/overview.ts'
import { readQuotas } from '../../core/quotas/read-quotas.ts'
import {
  type AgencyView,
  megabytes,
  type OverviewView,
  type QuotasView,
  type ReportView,
  reportFrequencies,
  reportTypes,
  unlimited,
} from '../../protocol/manage/account.ts'
import { placeNamed } from './names.ts'
import { type Answer, type Call, type ManageDeps, type Operation, shown } from './operation.ts'

/** SWR API, "Quota Management" and "Others". */
export const accountOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: '/projects/:project/quotas',
    route: 'account.quotas',
    on: 'organization',
    failureCode: '5000007',
    run: quotas,
  },
  {
    method: 'GET',
    path: '/overview',
    route: 'account.overview',
    on: 'organization',
    failureCode: '5000007',
    run: overview,
  },
  {
    method: 'GET',
    path: '/reports/:resource/:frequency',
    // As SWR's own example writes it.
    alias: '/v2/reports/:resource/:frequency',
    route: 'account.report',
    on: 'organization',
    failureCode: '5000007',
    run: report,
  },
  { method: 'GET', path: '/agency', route: 'agency.get', on: 'organization', failureCode: '5000007', run: showAgency },
  {
    method: 'POST',
    path: '/agency',
    route: 'agency.authorize',
    on: 'organization',
    failureCode: '5000046',
    run: authorize,
  },
]

const keys = { organizations: 'namespace', repositories: 'repository', tags: 'tag' } as const

async function quotas(deps: ManageDeps, call: Call): Promise<Answer> {
  const { searchParams } = call.exchange.url
  const organization = searchParams.get('namespace')
  const repository = searchParams.get('repository')
  const found = await readQuotas(deps, call.by.caller, {
    projectId: call.path.project ?? '',
    ...(organization && repository && { place: placeNamed(organization, repository) }),
  })
  return shown<QuotasView>({
    quotas: found.map(({ kind, limit, used }) => ({
      quota_limit: limit ?? unlimited,
      quota_key: keys[kind],
      unit: '',
      used,
    })),
  })
}

async function overview(deps: ManageDeps, call: Call): Promise<Answer> {
  const { caller } = call.by
  const found = await readOverview(deps, caller)
  return shown<OverviewView>({
    domain_id: found.accountId,
    domain_name: caller.accountName,
    namspace_num: found.organizationCount,
    repo_num: found.repositoryCount,
    image_num: found.tagCount,
    store_space: megabytes(found.storedBytes),
    downflow_size: megabytes(found.servedBytes),
  })
}

async function report(deps: ManageDeps, call: Call): Promise<Answer> {
  const kind = oneOfPath(reportTypes, call, 'resource')
  oneOfPath(reportFrequencies, call, 'frequency')
  const figures = await readDailyReport(deps, call.by.caller, kind)
  return shown<ReportView>(figures.map(({ day, bytes }) => ({ date: formatDay(day), value: megabytes(bytes) })))
}

async function showAgency(deps: ManageDeps, call: Call): Promise<Answer> {
  const { accountId, isAuthorized } = await readAgency(deps, call.by.caller)
  return shown<AgencyView>({ domain_id: accountId, is_agency: isAuthorized })
}

async function authorize(deps: ManageDeps, call: Call): Promise<Answer> {
  await authorizeAgency(deps, call.by)
  return { status: 204, body: undefined, headers: {} }
}

function oneOfPath<Value extends string>(values: readonly Value[], { path }: Call, part: string): Value {
  const value = values.find(each => each === path[part])
  if (value !== undefined) return value
  throw new DomainError('parameter_invalid', `there is no report of ${path[part]}`, {
    reason: `in its place stands one of ${values.join(', ')}`,
  })
}
