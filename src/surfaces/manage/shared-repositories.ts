import { z } from 'zod'
import { DomainError } from '../../core/errors.ts'
import { listReceived, listReceivedAfter } from '../../core/sharing/lists/received.ts'
import type { Shared, SharedFilter } from '../../core/sharing/lists/shared.ts'
import { listSharedByOwn, listSharedByOwnAfter } from '../../core/sharing/lists/shared-by-own.ts'
import { contentRange, pageHeaders } from '../../protocol/manage/paging.ts'
import { type ListParameters, parameterOf } from '../../protocol/manage/parameters.ts'
import { type RepositoryV3ListView, repositoryV3ListView } from '../../protocol/manage/repositories-v3.ts'
import {
  type SharedRepositoryListItem,
  type SharedRepositoryOrderColumn,
  sharedRepositoryListItem,
  sharedRepositoryListKeys,
  sharedRepositoryListQuery,
  sharedRepositoryOrderColumnNames,
  sharedRepositoryOrderColumns,
  sharedRepositoryV3ListKeys,
  sharedRepositoryV3ListQuery,
  sharingSides,
} from '../../protocol/manage/shared-repositories.ts'
import { type Answer, type Call, type ManageDeps, type Operation, operation, shown, shows } from './operation.ts'
import { listParametersOf, oneOf, pageOf } from './parameters.ts'
import { itemOf, nameFilterOf } from './repository-list.ts'
import { markerPageOf, itemOf as v3ItemOf, viewOfPage } from './repository-list-v3.ts'

const ofShared = { method: 'GET', path: '/shared-repositories', on: 'repository', failureCode: '5000008' } as const

/** SWR API, "Querying the List of Shared Images" and the same by version 3. */
export const sharedRepositoryOperations: readonly Operation[] = [
  operation({
    ...ofShared,
    name: 'listSharedReposDetails',
    summary: 'Lists image repositories that are shared, by the account or with it, a page at a time.',
    route: 'repository.list-shared',
    query: sharedRepositoryListQuery,
    filter: sharedRepositoryListKeys,
    answer: shows(z.array(sharedRepositoryListItem), pageHeaders),
    errors: ['parameter_missing'],
    run: list,
  }),
  operation({
    ...ofShared,
    version: 'v3',
    name: 'listSharedRepoDetails',
    summary: 'Lists image repositories that are shared, by the account or with it, by their ids.',
    route: 'repository.list-shared-v3',
    query: sharedRepositoryV3ListQuery,
    filter: sharedRepositoryV3ListKeys,
    answer: shows(repositoryV3ListView),
    errors: ['parameter_missing'],
    run: listAfter,
  }),
]

type Parameters = ListParameters & { kind: 'parameters' }

async function list(deps: ManageDeps, call: Call): Promise<Answer<SharedRepositoryListItem[]>> {
  const parameters = listParametersOf(call, sharedRepositoryListKeys)
  const side = sideOf(parameters, 'center')
  const page = pageOf(parameters)
  const { repositories, total } = await listSide(deps, call, side, {
    ...page,
    filter: filterOf(parameters),
    order: orderOf(parameters),
  })
  const items = repositories.map(({ isValid, ...repository }): SharedRepositoryListItem => {
    return { ...itemOf(repository, { total, domainName: repository.ownerName }, call), status: isValid }
  })
  const range = contentRange({ offset: page.offset, count: items.length, total })
  return shown(items, { 'content-range': range })
}

async function listAfter(deps: ManageDeps, call: Call): Promise<Answer<RepositoryV3ListView>> {
  const parameters = listParametersOf(call, sharedRepositoryV3ListKeys)
  const listSideAfter = sideOf(parameters, 'shared_by') === 'self' ? listSharedByOwnAfter : listReceivedAfter
  const { repositories, next } = await listSideAfter(deps, call.by.caller, {
    ...markerPageOf(parameters),
    filter: filterOf(parameters),
  })
  const items = repositories.map(each => v3ItemOf(each, { domainName: each.ownerName, isValid: each.isValid }))
  return shown(viewOfPage(items, next))
}

type Page = { filter: SharedFilter; order: Order; limit: number; offset: number }
type Order = {
  by: (typeof sharedRepositoryOrderColumns)[SharedRepositoryOrderColumn] | undefined
  direction: 'asc' | 'desc'
}

function listSide(
  deps: ManageDeps,
  { by: { caller } }: Call,
  side: (typeof sharingSides)[number],
  { order, ...page }: Page,
): Promise<{ repositories: Shared[]; total: number }> {
  const { by = 'organization', direction } = order
  if (side === 'thirdparty') return listReceived(deps, caller, { ...page, order: { by, direction } })
  // They have one owner.
  return listSharedByOwn(deps, caller, { ...page, order: { by: by === 'owner' ? 'organization' : by, direction } })
}

/** Throws `parameter_missing` or `parameter_invalid`. */
function sideOf(parameters: Parameters, parameter: string): (typeof sharingSides)[number] {
  const side = oneOf(sharingSides, parameters, parameter)
  if (side !== undefined) return side
  throw new DomainError('parameter_missing', `${parameter} is missing`, {
    parameter,
    reason: `${parameter} is one of ${sharingSides.join(', ')}`,
  })
}

function filterOf(parameters: Parameters): SharedFilter {
  const ownerName = parameterOf(parameters, 'domain_name')
  const status = oneOf(['true', 'false'], parameters, 'status')
  return {
    ...nameFilterOf(parameters),
    ...(ownerName !== undefined && { ownerName }),
    ...(status !== undefined && { isValid: status === 'true' }),
  }
}

/** Documented as a pair; one alone is taken too. */
function orderOf(parameters: Parameters): Order {
  const column = oneOf(sharedRepositoryOrderColumnNames, parameters, 'order_column')
  const direction = oneOf(['asc', 'desc'], parameters, 'order_type') ?? 'asc'
  return { by: column && sharedRepositoryOrderColumns[column], direction }
}
