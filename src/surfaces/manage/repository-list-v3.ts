import { listRepositoriesAfter } from '../../core/repositories/list/list-after.ts'
import type { Repository } from '../../core/repositories/read-repositories.ts'
import { parseMarkerPage } from '../../protocol/manage/paging.ts'
import { type ListParameters, parameterOf } from '../../protocol/manage/parameters.ts'
import {
  type RepositoryV3Item,
  type RepositoryV3ListView,
  repositoryV3ListKeys,
  repositoryV3ListQuery,
  repositoryV3ListView,
} from '../../protocol/manage/repositories-v3.ts'
import { formatTime } from '../../protocol/manage/times.ts'
import { type Answer, type Call, type ManageDeps, type Operation, operation, shown, shows } from './operation.ts'
import { listParametersOf, pageInvalid } from './parameters.ts'
import { filterOf } from './repository-list.ts'

/** SWR API, "Querying the Image Repository List (v3)". */
export const repositoryListV3Operations: readonly Operation[] = [
  operation({
    version: 'v3',
    method: 'GET',
    path: '/repos',
    name: 'listRepoDetails',
    summary: 'Lists the image repositories that the caller may see, by their ids.',
    route: 'repository.list-v3',
    on: 'repository',
    failureCode: '5000008',
    query: repositoryV3ListQuery,
    filter: repositoryV3ListKeys,
    answer: shows(repositoryV3ListView),
    errors: [],
    run: list,
  }),
]

async function list(deps: ManageDeps, call: Call): Promise<Answer<RepositoryV3ListView>> {
  const parameters = listParametersOf(call, repositoryV3ListKeys)
  const { repositories, next } = await listRepositoriesAfter(deps, call.by.caller, {
    ...markerPageOf(parameters),
    filter: filterOf(parameters),
  })
  const domainName = call.by.caller.accountName
  return shown(
    viewOfPage(
      repositories.map(repository => itemOf(repository, { domainName, isValid: false })),
      next,
    ),
  )
}

/** Throws `page_invalid`. */
export function markerPageOf(parameters: ListParameters & { kind: 'parameters' }) {
  const page = parseMarkerPage(parameterOf(parameters, 'limit'), parameterOf(parameters, 'marker'))
  if (page.kind === 'invalid') throw pageInvalid(page.reason)
  return { limit: page.limit, after: page.after }
}

export function viewOfPage(repos: RepositoryV3Item[], next: number | undefined): RepositoryV3ListView {
  return next === undefined ? { repos } : { repos, nextMarker: next }
}

export function itemOf(repository: Repository, about: { domainName: string; isValid: boolean }): RepositoryV3Item {
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
    domain_name: about.domainName,
    namespace_name: repository.organization,
    status: about.isValid,
  }
}
