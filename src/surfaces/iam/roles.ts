import { giveRole, isManager, showUser, takeRole } from '../../core/accounts/for-callers.ts'
import { findProject, selectRolesOf } from '../../core/accounts/queries.ts'
import type { Assignment } from '../../core/accounts/roles.ts'
import { DomainError } from '../../core/errors.ts'
import { findRoleById, type RoleName, roleIds, roleNames } from '../../protocol/iam/roles.ts'
import { type Call, gone, type IamDeps, type IamOperation } from './operation.ts'
import { pathText, queryText, selfLink } from './reading.ts'

const ofUser = '/users/:user/roles'

/** Keystone's roles and their assignment to users, on a project or on the domain as a whole. */
export const roleOperations: readonly IamOperation[] = [
  { method: 'GET', path: '/v3/roles', route: 'iam.role.list', run: list },
  {
    method: 'GET',
    path: '/v3/roles/:role',
    route: 'iam.role.show',
    run: (_deps, call) => Response.json({ role: roleBody(roleIn(call), call) }),
  },
  { method: 'GET', path: '/v3/role_assignments', route: 'iam.role.list-assignments', run: listAssignments },
  ...(['projects', 'domains'] as const).flatMap((kind): IamOperation[] => {
    const path = `/v3/${kind}/:place${ofUser}`
    const route = `iam.role.${kind === 'projects' ? 'project' : 'domain'}`
    return [
      { method: 'GET', path, route: `${route}-list`, run: (deps, call) => listOfUser(deps, call, kind) },
      { method: 'GET', path: `${path}/:role`, route: `${route}-check`, run: (deps, call) => check(deps, call, kind) },
      {
        method: 'PUT',
        path: `${path}/:role`,
        route: `${route}-assign`,
        run: async (deps, call) => {
          await giveRole(deps, call.by, pathText(call, 'user'), await assignmentIn(deps, call, kind))
          return gone()
        },
      },
      {
        method: 'DELETE',
        path: `${path}/:role`,
        route: `${route}-unassign`,
        run: async (deps, call) => {
          await takeRole(deps, call.by, pathText(call, 'user'), await assignmentIn(deps, call, kind))
          return gone()
        },
      },
    ]
  }),
]

type PlaceKind = 'projects' | 'domains'

function list(_deps: IamDeps, call: Call): Response {
  const wanted = [queryText(call, 'name'), queryText(call, 'display_name')].filter(each => each !== undefined)
  const names = roleNames.filter(name => wanted.every(each => each === name))
  const roles = names.map(name => roleBody(name, call))
  return Response.json({
    roles,
    links: { self: selfLink(call), previous: null, next: null },
    total_number: roles.length,
  })
}

async function listOfUser(deps: IamDeps, call: Call, kind: PlaceKind): Promise<Response> {
  const projectId = await placeIn(deps, call, kind)
  const held = await rolesOf(deps, call, pathText(call, 'user'))
  const roles = held.filter(each => each.projectId === projectId).map(({ role }) => roleBody(role, call))
  return Response.json({ roles, links: { self: selfLink(call), previous: null, next: null } })
}

/** Answers 204 where it is assigned (HEAD and GET alike), as Keystone does. */
async function check(deps: IamDeps, call: Call, kind: PlaceKind): Promise<Response> {
  const { role, projectId } = await assignmentIn(deps, call, kind)
  const held = await rolesOf(deps, call, pathText(call, 'user'))
  if (held.some(each => each.role === role && each.projectId === projectId)) return gone()
  throw roleUnknown(role)
}

/** Those of one user: `user.id` in the query, else the caller. */
async function listAssignments(deps: IamDeps, call: Call): Promise<Response> {
  const userId = queryText(call, 'user.id') ?? call.by.caller.userId
  const { accountId } = call.by.caller
  const wanted = {
    role: queryText(call, 'role.id'),
    project: queryText(call, 'scope.project.id'),
    domain: queryText(call, 'scope.domain.id'),
  }
  const assignments = (await rolesOf(deps, call, userId)).map(({ role, projectId }) => ({
    role: { id: roleIds[role] },
    user: { id: userId },
    scope: projectId === '' ? { domain: { id: accountId } } : { project: { id: projectId } },
  }))
  const asked = assignments.filter(
    ({ role, scope }) =>
      (wanted.role === undefined || wanted.role === role.id) &&
      (wanted.project === undefined || wanted.project === scope.project?.id) &&
      (wanted.domain === undefined || wanted.domain === scope.domain?.id),
  )
  return Response.json({ role_assignments: asked, links: { self: selfLink(call), previous: null, next: null } })
}

/** One's own, or anyone's of the account for managers. */
async function rolesOf(deps: IamDeps, call: Call, userId: string): Promise<readonly Assignment[]> {
  const { user } = await showUser(deps, call.by, userId)
  if (user.id !== call.by.caller.userId && !(await isManager(deps, call.by))) {
    throw new DomainError('denied', 'only administrators of the account see the roles of others')
  }
  return selectRolesOf(deps.db.read, user.id)
}

async function assignmentIn(deps: IamDeps, call: Call, kind: PlaceKind): Promise<Assignment> {
  return { projectId: await placeIn(deps, call, kind), role: roleIn(call) }
}

/** The project of the path, or '' for the own domain. */
async function placeIn({ db }: IamDeps, call: Call, kind: PlaceKind): Promise<string> {
  const { accountId } = call.by.caller
  const id = pathText(call, 'place')
  if (kind === 'domains') {
    if (id === accountId) return ''
    throw new DomainError('account_unknown', `there is no domain ${id}`)
  }
  const project = await findProject(db.read, accountId, { id })
  if (project) return project.id
  throw new DomainError('project_unknown', `there is no project ${id}`)
}

function roleIn(call: Call): RoleName {
  const id = pathText(call, 'role')
  const role = findRoleById(id)
  if (role) return role
  throw roleUnknown(id)
}

function roleUnknown(role: string): DomainError {
  return new DomainError('role_unknown', `there is no such role: ${role}`, { role })
}

function roleBody(name: RoleName, { exchange }: Pick<Call, 'exchange'>) {
  const id = roleIds[name]
  return {
    id,
    name,
    display_name: name,
    type: 'AA',
    catalog: name.startsWith('SWR') ? 'SWR' : 'BASE',
    domain_id: null,
    description: descriptions[name],
    links: { self: `${exchange.baseUrl}/v3/roles/${id}` },
  }
}

const descriptions: Readonly<Record<RoleName, string>> = {
  te_admin: 'Everything in the account, users included',
  'SWR FullAccess': 'Everything in the registry',
  'SWR OperateAccess': 'Organizations of the own, and what is granted',
  'SWR ReadOnlyAccess': 'Reading what is granted',
  'Tenant Guest': 'Reading what is granted',
}
