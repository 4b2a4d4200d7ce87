import { type Role, roleNames } from '../../protocol/iam/roles.ts'
import { type Level, manageLevel, readLevel } from './level.ts'

/** What a role is good for (SWR user manual, "Permission Management"). */
export type Powers = {
  /** Manages everything of the account without being granted it. */
  isAdministrator: boolean
  /** As what a higher grant counts. */
  ceiling: Level
  makesOrganizations: boolean
  managesUsers: boolean
}

const grantsDecide: Powers = {
  isAdministrator: false,
  ceiling: manageLevel,
  makesOrganizations: false,
  managesUsers: false,
}
const readsOnly: Powers = { ...grantsDecide, ceiling: readLevel }

export const powersOf: Readonly<Record<Role, Powers>> = {
  te_admin: { isAdministrator: true, ceiling: manageLevel, makesOrganizations: true, managesUsers: true },
  'SWR FullAccess': { isAdministrator: true, ceiling: manageLevel, makesOrganizations: true, managesUsers: false },
  'SWR OperateAccess': { ...grantsDecide, makesOrganizations: true },
  'SWR ReadOnlyAccess': readsOnly,
  // IAM reads everything of a project with it; on an image the grants decide, as for everyone who is no administrator.
  'Tenant Guest': readsOnly,
  // Grants alone are enough to push (user manual: a partner's user who has only those).
  none: grantsDecide,
}

/** The roles that manage everything of their account, for queries. */
export const administratorRoles: readonly Role[] = roleNames.filter(role => powersOf[role].isAdministrator)

/** What a grant is worth in the hands of this role. */
export function countedLevel(role: Role, granted: Level | 0): Level | 0 {
  return granted > powersOf[role].ceiling ? powersOf[role].ceiling : granted
}
