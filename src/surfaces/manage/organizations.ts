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
} from '../../protocol/manage/organizations.ts'
import { parameterOf } from '../../protocol/manage/parameters.ts'
import { readJson } from './body.ts'
import { parseFields } from './fields.ts'
import { organizationIn } from './names.ts'
import { type Answer, type Call, done, gone, type ManageDeps, type Operation, shown } from './operation.ts'
import { listParametersOf, oneOf } from './parameters.ts'

/** SWR API, "Organization Management". */
export const organizationOperations: readonly Operation[] = [
  {
    method: 'POST',
    path: '/namespaces',
    route: 'organization.create',
    on: 'organization',
    failureCode: '5000059',
    run: create,
  },
  {
    method: 'GET',
    path: '/namespaces',
    route: 'organization.list',
    on: 'organization',
    failureCode: '5000057',
    run: list,
  },
  {
    method: 'GET',
    path: '/namespaces/:organization',
    route: 'organization.get',
    on: 'organization',
    failureCode: '5000057',
    run: show,
  },
  {
    method: 'DELETE',
    path: '/namespaces/:organization',
    route: 'organization.delete',
    on: 'organization',
    failureCode: '5001049',
    run: remove,
  },
]

async function create(deps: ManageDeps, call: Call): Promise<Answer> {
  const { namespace } = parseFields(createOrganizationBody, await readJson(deps, call))
  await createOrganization(deps, call.by, namespace)
  return done
}

async function list(deps: ManageDeps, call: Call): Promise<Answer> {
  const parameters = listParametersOf(call, organizationListKeys)
  const mode = oneOf(['visible'], parameters, 'mode')
  const organizations = await listOrganizationsOf(deps, call.by.caller, {
    includeVisible: mode === 'visible',
    name: parameterOf(parameters, 'namespace'),
  })
  return shown<OrganizationListView>({ namespaces: organizations.map(viewOf) })
}

async function show(deps: ManageDeps, call: Call): Promise<Answer> {
  return shown<OrganizationView>(viewOf(await getOrganization(deps, call.by.caller, organizationIn(call))))
}

async function remove(deps: ManageDeps, call: Call): Promise<Answer> {
  await deleteOrganization(deps, call.by, organizationIn(call))
  return gone
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
