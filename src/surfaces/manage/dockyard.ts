import { z } from 'zod'
import { isDomainError } from '../../core/errors.ts'
import {
  createOrganization,
  getOrganization,
  listOrganizationsOf,
  type Organization,
} from '../../core/organizations/organizations.ts'
import { listRepositories } from '../../core/repositories/list/list-repositories.ts'
import {
  type DockyardNamespaceListView,
  type DockyardNamespaceView,
  dockyardNamespaceListView,
  dockyardNamespaceView,
} from '../../protocol/manage/dockyard.ts'
import { parseOrganizationName } from '../../protocol/manage/names.ts'
import { createOrganizationBody } from '../../protocol/manage/organizations.ts'
import { contentRange, maxPageLimit, pageHeaders, parsePage } from '../../protocol/manage/paging.ts'
import { parameterOf } from '../../protocol/manage/parameters.ts'
import {
  type RepositoryListItem,
  repositoryListItem,
  repositoryListKeys,
  repositoryListQuery,
} from '../../protocol/manage/repositories.ts'
import {
  type Answer,
  type Call,
  done,
  isDone,
  type ManageDeps,
  type Operation,
  operation,
  shown,
  shows,
} from './operation.ts'
import { listParametersOf, oneOf, pageInvalid } from './parameters.ts'
import { filterOf, itemOf } from './repository-list.ts'

const ofOrganization = { on: 'organization', failureCode: '5000057', errors: [] } as const

/**
 * What SWR answers on its docker host below `/dockyard/v2`, to who logs in as docker does: Harbor's replication and old
 * scripts ask here. No page documents it; the shapes are those that Harbor's adapter for Huawei's SWR reads.
 */
export const dockyardOperations: readonly Operation[] = [
  operation({
    ...ofOrganization,
    method: 'GET',
    path: '/visible/namespaces',
    name: 'listVisibleNamespaces',
    summary: 'Lists the organizations of which the caller may see anything.',
    route: 'dockyard.organization.list-visible',
    answer: shows(dockyardNamespaceListView),
    run: (deps, call) => list(deps, call, { includeVisible: true }),
  }),
  operation({
    ...ofOrganization,
    method: 'GET',
    path: '/namespaces',
    name: 'listNamespaces',
    summary: 'Lists the organizations that the caller has a permission on.',
    route: 'dockyard.organization.list',
    answer: shows(dockyardNamespaceListView),
    run: (deps, call) => list(deps, call, { includeVisible: false }),
  }),
  operation({
    ...ofOrganization,
    method: 'GET',
    path: '/namespaces/:organization',
    name: 'showNamespace',
    summary: 'Shows an organization, or one without a name where there is none.',
    route: 'dockyard.organization.get',
    answer: shows(dockyardNamespaceView),
    run: show,
  }),
  operation({
    ...ofOrganization,
    method: 'POST',
    path: '/namespaces',
    name: 'createNamespace',
    summary: 'Creates an organization.',
    route: 'dockyard.organization.create',
    body: { schema: createOrganizationBody },
    answer: isDone,
    errors: ['organization_name_invalid', 'organization_exists', 'quota_exceeded'],
    run: async (deps, call) => {
      const { namespace } = await call.readBody()
      await createOrganization(deps, call.by, namespace)
      return done
    },
  }),
  operation({
    method: 'GET',
    path: '/repositories',
    name: 'listRepositories',
    summary: 'Lists the image repositories that the caller may see.',
    route: 'dockyard.repository.list',
    on: 'repository',
    failureCode: '5000008',
    query: repositoryListQuery,
    filter: repositoryListKeys,
    answer: shows(z.array(repositoryListItem), pageHeaders),
    errors: [],
    run: listImages,
  }),
]

async function list(
  deps: ManageDeps,
  call: Call,
  { includeVisible }: { includeVisible: boolean },
): Promise<Answer<DockyardNamespaceListView>> {
  const organizations = await listOrganizationsOf(deps, call.by.caller, { includeVisible, name: undefined })
  return shown({ namespaces: organizations.map(viewOf) })
}

/** Harbor takes every other answer than 200 for a failure, and makes what comes without its name. */
const absent = { id: 0, name: '' } as const

async function show(deps: ManageDeps, call: Call): Promise<Answer<DockyardNamespaceView>> {
  const parsed = parseOrganizationName(call.path.organization ?? '')
  if (parsed.kind === 'invalid') return shown(absent)
  try {
    return shown(viewOf(await getOrganization(deps, call.by.caller, parsed.name)))
  } catch (error) {
    if (isDomainError(error, 'organization_unknown')) return shown(absent)
    throw error
  }
}

/** These clients know no pages: without a limit, and with one however large, they get as many as there may be in one. */
async function listImages(deps: ManageDeps, call: Call): Promise<Answer<RepositoryListItem[]>> {
  const parameters = listParametersOf(call, repositoryListKeys)
  oneOf(['self'], parameters, 'center')
  const asked = Number(parameterOf(parameters, 'limit') ?? maxPageLimit)
  const limit = asked > maxPageLimit ? maxPageLimit : asked
  const page = parsePage(String(limit), parameterOf(parameters, 'offset'))
  if (page.kind === 'invalid') throw pageInvalid(page.reason)
  const { repositories, total } = await listRepositories(deps, call.by.caller, {
    filter: filterOf(parameters),
    order: { by: 'organization', direction: 'asc' },
    limit: page.limit,
    from: { offset: page.offset },
  })
  const shared = { total, domainName: call.by.caller.accountName }
  const items = repositories.map(repository => ({ ...itemOf(repository, shared, call), status: false as const }))
  const range = contentRange({ offset: page.offset, count: items.length, total })
  return shown(items, { 'content-range': range })
}

function viewOf(organization: Organization): Extract<DockyardNamespaceView, { auth: number }> {
  return {
    id: organization.id,
    name: organization.name,
    creator_name: organization.creatorName,
    auth: organization.level === 0 ? 1 : organization.level,
    user_count: organization.grantCount,
    image_count: organization.repositoryCount,
  }
}
