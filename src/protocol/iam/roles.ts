/**
 * The roles that IAM calls by these names and ids, the one that counts first where a user holds several. Clients find
 * the id of a role by its display name (`GET /v3/roles?display_name=`), and know administrators by `te_admin`.
 */
export const roleNames = [
  'te_admin',
  'SWR FullAccess',
  'SWR OperateAccess',
  'SWR ReadOnlyAccess',
  'Tenant Guest',
] as const

export type RoleName = (typeof roleNames)[number]

/** What a user is in the account; `none` for one who holds no role. */
export type Role = RoleName | 'none'

export const roleIds: Readonly<Record<RoleName, string>> = {
  te_admin: '0',
  'SWR FullAccess': '1',
  'SWR OperateAccess': '2',
  'SWR ReadOnlyAccess': '3',
  'Tenant Guest': '4',
}

/** The role of this name; `none` for a name that is no role's. */
export function parseRole(text: string): Role {
  return roleNames.find(name => name === text) ?? 'none'
}

export function findRoleById(id: string): RoleName | undefined {
  return roleNames.find(name => roleIds[name] === id)
}

/** The one that counts of all that a user holds. */
export function strongestRole(held: readonly RoleName[]): Role {
  return roleNames.find(name => held.includes(name)) ?? 'none'
}
