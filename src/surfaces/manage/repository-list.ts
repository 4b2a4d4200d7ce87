import { z } from 'zod'
import { DomainError } from '../../core/errors.ts'
import {
  type ListedRepository,
  listRepositories,
  type RepositoryQuery,
} from '../../core/repositories/list/list-repositories.ts'
import { categoryRule, parseCategory } from '../../protocol/manage/categories.ts'
import { readSlashes } from '../../protocol/manage/names.ts'
import { contentRange, pageHeaders } from '../../protocol/manage/paging.ts'
import { type ListParameters, parameterOf } from '../../protocol/manage/parameters.ts'
import {
  type RepositoryListItem,
  repositoryListItem,
  repositoryListKeys,
  repositoryListQuery,
  repositoryOrderColumnNames,
  repositoryOrderColumns,
} from '../../protocol/manage/repositories.ts'
import { formatTime } from '../../protocol/manage/times.ts'
import { type Answer, type Call, type ManageDeps, type Operation, operation, shown, shows } from './operation.ts'
import { listParametersOf, oneOf, pageInvalid, pageOf } from './parameters.ts'
import { pullPath } from './pull-path.ts'

/** SWR API, "Querying the Image Repository List". */
export const repositoryListOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/repos',
    name: 'listReposDetails',
    summary: 'Lists the image repositories that the caller may see, a page at a time.',
    route: 'repository.list',
    on: 'repository',
    failureCode: '5000008',
    query: repositoryListQuery,
    filter: repositoryListKeys,
    answer: shows(z.array(repositoryListItem), pageHeaders),
    errors: [],
    run: list,
  }),
]

type Parameters = ListParameters & { kind: 'parameters' }

async function list(deps: ManageDeps, call: Call): Promise<Answer<RepositoryListItem[]>> {
  const parameters = listParametersOf(call, repositoryListKeys)
  // "Images of one's own" is all there is to list here.
  oneOf(['self'], parameters, 'center')
  const page = pageOf(parameters)
  const order = orderOf(parameters)
  const afterId = markerOf(call, order)
  const { repositories, total } = await listRepositories(deps, call.by.caller, {
    filter: filterOf(parameters),
    order,
    limit: page.limit,
    from: afterId === undefined ? { offset: page.offset } : { afterId },
  })
  const domainName = call.by.caller.accountName
  const items = repositories.map(each => ({ ...itemOf(each, { total, domainName }, call), status: false as const }))
  const range = contentRange({ offset: page.offset, count: items.length, total })
  return shown(items, { 'content-range': range })
}

export function filterOf(parameters: Parameters): RepositoryQuery['filter'] {
  const category = parameterOf(parameters, 'category')
  const isPublic = oneOf(['true', 'false'], parameters, 'is_public')
  return {
    ...nameFilterOf(parameters),
    ...(category !== undefined && { category: categoryOf(category) }),
    ...(isPublic !== undefined && { isPublic: isPublic === 'true' }),
  }
}

/** A plain `namespace` is the whole name, one in the filter any part of it; `name` is any part in both. */
export function nameFilterOf(
  parameters: Parameters,
): Pick<RepositoryQuery['filter'], 'organization' | 'organizationContains' | 'nameContains'> {
  const { plain, filtered } = parameters
  const organization = plain.get('namespace')
  const organizationContains = filtered.get('namespace')
  const name = parameterOf(parameters, 'name')
  return {
    ...(organization !== undefined && { organization }),
    ...(organizationContains !== undefined && { organizationContains }),
    ...(name !== undefined && { nameContains: readSlashes(name) }),
  }
}

function categoryOf(text: string): string {
  const category = parseCategory(text)
  if (category !== undefined) return category
  throw new DomainError('parameter_invalid', 'category is invalid', { parameter: 'category', reason: categoryRule })
}

/** Documented as a pair; one alone is taken too. */
function orderOf(parameters: Parameters): RepositoryQuery['order'] {
  const column = oneOf(repositoryOrderColumnNames, parameters, 'order_column')
  const direction = oneOf(['asc', 'desc'], parameters, 'order_type') ?? 'asc'
  return { by: column === undefined ? 'organization' : repositoryOrderColumns[column], direction }
}

/** openstacksdk asks for what follows the last id it saw, and leaves the offset as it was. */
function markerOf({ exchange }: Call, order: RepositoryQuery['order']): number | undefined {
  const text = exchange.url.searchParams.get('marker')
  if (!text) return undefined
  if (!/^[0-9]{1,15}$/.test(text)) throw pageInvalid('marker is the id of an image repository')
  if (order.by !== 'organization' || order.direction !== 'asc') {
    throw pageInvalid('marker goes with the default order: use offset')
  }
  return Number(text)
}

/** An entry without its status, which is said of a share alone. */
export function itemOf(
  repository: ListedRepository,
  { total, domainName }: { total: number; domainName: string },
  { exchange }: Call,
): Omit<RepositoryListItem, 'status'> {
  const path = pullPath(exchange.baseUrl, repository)
  return {
    id: repository.id,
    name: repository.name,
    category: repository.category,
    description: repository.description,
    size: repository.sizeBytes,
    is_public: repository.isPublic,
    num_images: repository.tagCount,
    num_download: repository.pullCount,
    created_at: formatTime(repository.createdMs),
    updated_at: formatTime(repository.updatedMs),
    logo: '',
    url: '',
    path,
    internal_path: path,
    domain_name: domainName,
    namespace: repository.organization,
    tags: [...repository.tags],
    total_range: total,
  }
}
