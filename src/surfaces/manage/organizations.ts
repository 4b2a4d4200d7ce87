import {
  createOrganization,
  deleteOrganization,
  getOrganization,
  listOrganizationsOf,
  type Organization,
} from '../../core/organizations/organizations.ts'
import {
  createOrganizationBody,
  type OrganizationListView,
  type OrganizationView,
  organizationListKeys,
  organizationListQuery,
  organizationListView,
  organizationModes,
  organizationView,
} from '../../protocol/manage/organizations.ts'
import { parameterOf } from '../../protocol/manage/parameters.ts'
import { organizationIn } from './names.ts'
import {
  type Answer,
  type Call,
  done,
  gone,
  isDone,
  isGone,
  type ManageDeps,
  type Operation,
  operation,
  shown,
  shows,
} from './operation.ts'
import { listParametersOf, oneOf } from './parameters.ts'

/** SWR API, "Organization Management". */
export const organizationOperations: readonly Operation[] = [
  operation({
    method: 'POST',
    path: '/namespaces',
    name: 'createNamespace',
    summary: 'Creates an organization, which its creator manages.',
    route: 'organization.create',
    on: 'organization',
    failureCode: '5000059',
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
    path: '/namespaces',
    name: 'listNamespaces',
    summary: 'Lists the organizations that the caller has a permission on, all of them in one answer.',
    route: 'organization.list',
    on: 'organization',
    failureCode: '5000057',
    query: organizationListQuery,
    filter: organizationListKeys,
    answer: shows(organizationListView),
    errors: [],
    run: list,
  }),
  operation({
    method: 'GET',
    path: '/namespaces/:organization',
    name: 'showNamespace',
    summary: 'Shows an organization.',
    route: 'organization.get',
    on: 'organization',
    failureCode: '5000057',
    answer: shows(organizationView),
    errors: [],
    run: async (deps, call) => shown(viewOf(await getOrganization(deps, call.by.caller, organizationIn(call)))),
  }),
  operation({
    method: 'DELETE',
    path: '/namespaces/:organization',
    name: 'deleteNamespaces',
    summary: 'Deletes an organization that has no repositories.',
    route: 'organization.delete',
    on: 'organization',
    failureCode: '5001049',
    answer: isGone,
    errors: ['organization_not_empty', 'deletion_disabled'],
    run: async (deps, call) => {
      await deleteOrganization(deps, call.by, organizationIn(call))
      return gone
    },
  }),
]

async function list(deps: ManageDeps, call: Call): Promise<Answer<OrganizationListView>> {
  const parameters = listParametersOf(call, organizationListKeys)
  const mode = oneOf(organizationModes, parameters, 'mode')
  const organizations = await listOrganizationsOf(deps, call.by.caller, {
    includeVisible: mode === 'visible',
    name: parameterOf(parameters, 'namespace'),
  })
  return shown({ namespaces: organizations.map(viewOf) })
}

function viewOf(organization: Organization): OrganizationView {
  return {
    id: organization.id,
    name: organization.name,
    creator_name: organization.creatorName,
    // The wire has no word for "only some of its repositories"; to see it is what reading is.
    auth: organization.level === 0 ? 1 : organization.level,
    access_user_count: organization.grantCount,
    repo_count: organization.repositoryCount,
  }
}
