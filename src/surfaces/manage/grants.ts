import type { Caller } from '../../core/caller.ts'
import {
  changeOrganizationGrants,
  grantOrganization,
  listGrantsOfOrganization,
  revokeOrganization,
} from '../../core/organizations/grants.ts'
import {
  changeRepositoryGrants,
  grantRepository,
  listGrantsOfRepository,
  revokeRepository,
} from '../../core/repositories/grants.ts'
import {
  type GrantsBody,
  type GrantView,
  grantsBody,
  organizationGrantsView,
  repositoryGrantsView,
  revokeBody,
} from '../../protocol/manage/grants.ts'
import { organizationIn, placeIn } from './names.ts'
import { type Call, done, gone, isDone, isGone, type Operation, operation, shown, shows } from './operation.ts'

const ofOrganization = { path: '/namespaces/:organization/access', on: 'organization' } as const
const ofRepository = { path: '/namespaces/:organization/repos/:repository/access', on: 'repository' } as const

/** SWR API, "Organization Permission Management" and "Image Permission Management". */
export const grantOperations: readonly Operation[] = [
  operation({
    ...ofOrganization,
    method: 'POST',
    name: 'createNamespaceAuth',
    summary: 'Gives users of the account permissions on an organization, all of them or none.',
    route: 'organization.grant',
    failureCode: '5000080',
    body: { schema: grantsBody },
    answer: isDone,
    errors: ['level_invalid', 'user_unknown', 'grant_exists'],
    run: async (deps, call) => {
      await grantOrganization(deps, call.by, { organization: organizationIn(call), grants: await readGrants(call) })
      return done
    },
  }),
  operation({
    ...ofOrganization,
    method: 'PATCH',
    name: 'updateNamespaceAuth',
    summary: 'Changes permissions that users have on an organization, all of them or none.',
    route: 'organization.change-grants',
    failureCode: '5000079',
    body: { schema: grantsBody },
    answer: isDone,
    errors: ['level_invalid', 'user_unknown', 'grant_unknown'],
    run: async (deps, call) => {
      const organization = organizationIn(call)
      await changeOrganizationGrants(deps, call.by, { organization, grants: await readGrants(call) })
      return done
    },
  }),
  operation({
    ...ofOrganization,
    method: 'DELETE',
    name: 'deleteNamespaceAuth',
    summary: 'Takes the permissions on an organization from users, who are named by their ids in the body.',
    route: 'organization.revoke',
    failureCode: '5000081',
    body: { schema: revokeBody },
    answer: isGone,
    errors: ['grant_unknown'],
    run: async (deps, call) => {
      const organization = organizationIn(call)
      await revokeOrganization(deps, call.by, { organization, userIds: await call.readBody() })
      return gone
    },
  }),
  operation({
    ...ofOrganization,
    method: 'GET',
    name: 'showNamespaceAuth',
    summary: 'Shows who has which permission on an organization.',
    route: 'organization.list-grants',
    failureCode: '5000077',
    answer: shows(organizationGrantsView),
    errors: [],
    run: async (deps, call) => {
      const { caller } = call.by
      const grants = await listGrantsOfOrganization(deps, caller, organizationIn(call))
      return shown({ id: grants.id, name: grants.name, creator_name: grants.creatorName, ...viewsOf(caller, grants) })
    },
  }),
  operation({
    ...ofRepository,
    method: 'POST',
    name: 'createUserRepositoryAuth',
    summary: 'Gives users of the account permissions on an image repository, all of them or none.',
    route: 'repository.grant',
    failureCode: '5000093',
    body: { schema: grantsBody },
    answer: isDone,
    errors: ['level_invalid', 'user_unknown', 'grant_exists'],
    run: async (deps, call) => {
      await grantRepository(deps, call.by, { place: placeIn(call), grants: await readGrants(call) })
      return done
    },
  }),
  operation({
    ...ofRepository,
    method: 'PATCH',
    name: 'updateUserRepositoryAuth',
    summary: 'Changes permissions that users have on an image repository, all of them or none.',
    route: 'repository.change-grants',
    failureCode: '5000092',
    body: { schema: grantsBody },
    answer: isDone,
    errors: ['level_invalid', 'user_unknown', 'grant_unknown'],
    run: async (deps, call) => {
      await changeRepositoryGrants(deps, call.by, { place: placeIn(call), grants: await readGrants(call) })
      return done
    },
  }),
  operation({
    ...ofRepository,
    method: 'DELETE',
    name: 'deleteUserRepositoryAuth',
    summary: 'Takes the permissions on an image repository from users, who are named by their ids in the body.',
    route: 'repository.revoke',
    failureCode: '5000092',
    body: { schema: revokeBody },
    answer: isGone,
    errors: ['grant_unknown'],
    run: async (deps, call) => {
      await revokeRepository(deps, call.by, { place: placeIn(call), userIds: await call.readBody() })
      return gone
    },
  }),
  operation({
    ...ofRepository,
    method: 'GET',
    name: 'showUserRepositoryAuth',
    summary: 'Shows who has which permission on an image repository.',
    route: 'repository.list-grants',
    failureCode: '5000090',
    answer: shows(repositoryGrantsView),
    errors: [],
    run: async (deps, call) => {
      const { caller } = call.by
      const grants = await listGrantsOfRepository(deps, caller, placeIn(call))
      return shown({ id: grants.id, name: grants.name, ...viewsOf(caller, grants) })
    },
  }),
]

async function readGrants(call: Call<GrantsBody>) {
  const grants = await call.readBody()
  return grants.map(grant => ({ userId: grant.user_id, userName: grant.user_name, level: grant.auth }))
}

function viewsOf(
  caller: Caller & { kind: 'user' },
  {
    ownLevel,
    others,
  }: { ownLevel: 1 | 3 | 7; others: readonly { userId: string; userName: string; level: 1 | 3 | 7 }[] },
): { self_auth: GrantView; others_auths: GrantView[] } {
  return {
    self_auth: viewOf({ ...caller, level: ownLevel }),
    others_auths: others.map(viewOf),
  }
}

function viewOf(grant: { userId: string; userName: string; level: 1 | 3 | 7 }): GrantView {
  return { user_id: grant.userId, user_name: grant.userName, auth: grant.level }
}
