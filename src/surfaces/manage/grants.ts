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
  type GrantView,
  grantsBody,
  type OrganizationGrantsView,
  type RepositoryGrantsView,
  revokeBody,
} from '../../protocol/manage/grants.ts'
import { readJson } from './body.ts'
import { parseFields } from './fields.ts'
import { organizationIn, placeIn } from './names.ts'
import { type Call, done, gone, type ManageDeps, type Operation, shown } from './operation.ts'

const ofOrganization = { path: '/namespaces/:organization/access', on: 'organization' } as const
const ofRepository = { path: '/namespaces/:organization/repos/:repository/access', on: 'repository' } as const

/** SWR API, "Organization Permission Management" and "Image Permission Management". */
export const grantOperations: readonly Operation[] = [
  {
    ...ofOrganization,
    method: 'POST',
    route: 'organization.grant',
    failureCode: '5000080',
    run: async (deps, call) => {
      await grantOrganization(deps, call.by, {
        organization: organizationIn(call),
        grants: await readGrants(deps, call),
      })
      return done
    },
  },
  {
    ...ofOrganization,
    method: 'PATCH',
    route: 'organization.change-grants',
    failureCode: '5000079',
    run: async (deps, call) => {
      const organization = organizationIn(call)
      await changeOrganizationGrants(deps, call.by, { organization, grants: await readGrants(deps, call) })
      return done
    },
  },
  {
    ...ofOrganization,
    method: 'DELETE',
    route: 'organization.revoke',
    failureCode: '5000081',
    run: async (deps, call) => {
      const organization = organizationIn(call)
      await revokeOrganization(deps, call.by, { organization, userIds: await readUserIds(deps, call) })
      return gone
    },
  },
  {
    ...ofOrganization,
    method: 'GET',
    route: 'organization.list-grants',
    failureCode: '5000077',
    run: async (deps, call) => {
      const { caller } = call.by
      const grants = await listGrantsOfOrganization(deps, caller, organizationIn(call))
      return shown<OrganizationGrantsView>({
        id: grants.id,
        name: grants.name,
        creator_name: grants.creatorName,
        ...viewsOf(caller, grants),
      })
    },
  },
  {
    ...ofRepository,
    method: 'POST',
    route: 'repository.grant',
    failureCode: '5000093',
    run: async (deps, call) => {
      await grantRepository(deps, call.by, { place: placeIn(call), grants: await readGrants(deps, call) })
      return done
    },
  },
  {
    ...ofRepository,
    method: 'PATCH',
    route: 'repository.change-grants',
    failureCode: '5000092',
    run: async (deps, call) => {
      await changeRepositoryGrants(deps, call.by, { place: placeIn(call), grants: await readGrants(deps, call) })
      return done
    },
  },
  {
    ...ofRepository,
    method: 'DELETE',
    route: 'repository.revoke',
    failureCode: '5000092',
    run: async (deps, call) => {
      await revokeRepository(deps, call.by, { place: placeIn(call), userIds: await readUserIds(deps, call) })
      return gone
    },
  },
  {
    ...ofRepository,
    method: 'GET',
    route: 'repository.list-grants',
    failureCode: '5000090',
    run: async (deps, call) => {
      const { caller } = call.by
      const grants = await listGrantsOfRepository(deps, caller, placeIn(call))
      return shown<RepositoryGrantsView>({ id: grants.id, name: grants.name, ...viewsOf(caller, grants) })
    },
  },
]

async function readGrants(deps: ManageDeps, call: Call) {
  const grants = parseFields(grantsBody, await readJson(deps, call))
  return grants.map(grant => ({ userId: grant.user_id, userName: grant.user_name, level: grant.auth }))
}

async function readUserIds(deps: ManageDeps, call: Call): Promise<readonly string[]> {
  return parseFields(revokeBody, await readJson(deps, call))
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
