import type { Transaction } from '../../metadata/database.ts'
import { type Role, type RoleName, strongestRole } from '../../protocol/iam/roles.ts'
import type { Actor, Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { recordEvent } from '../events.ts'
import type { AccountsDeps } from './deps.ts'
import { deleteUserRoles, insertUserRoles, lockUser, selectRolesOf, type User, updateRole } from './queries.ts'

/** One role, of one project or with an empty id of the account as a whole. Projects share one registry, so both count. */
export type Assignment = { role: RoleName; projectId: string }

type Deps = Pick<AccountsDeps, 'db' | 'clock'>
type Whose = Pick<User, 'id' | 'accountId' | 'name'>

/** Gives a user this role and no other; rights change with the next request. Throws `user_unknown`. */
export async function setOnlyRole(deps: Deps, by: Requester<Actor>, user: User, role: Role): Promise<User> {
  await changeRoles(deps, by, user, async (tx, nowMs) => {
    await deleteUserRoles(tx, user.id)
    if (role !== 'none') await insertUserRoles(tx, [rowOf(user, { role, projectId: '' }, nowMs)])
  })
  return { ...user, role }
}

/** Adds a role; one that is held already stays. Throws `user_unknown`. */
export async function assignRole(deps: Deps, by: Requester<Actor>, user: Whose, given: Assignment): Promise<void> {
  await changeRoles(deps, by, user, (tx, nowMs) => insertUserRoles(tx, [rowOf(user, given, nowMs)]))
}

/** Takes a role back. Throws `user_unknown` or `role_unknown`. */
export async function unassignRole(deps: Deps, by: Requester<Actor>, user: Whose, taken: Assignment): Promise<void> {
  await changeRoles(deps, by, user, async tx => {
    if ((await deleteUserRoles(tx, user.id, taken)) > 0) return
    throw new DomainError('role_unknown', `the user does not hold the role ${taken.role} there`, { role: taken.role })
  })
}

/** Changes what is assigned, and with it what counts, in one transaction. */
async function changeRoles(
  { db, clock }: Deps,
  by: Requester<Actor>,
  user: Whose,
  change: (tx: Transaction, nowMs: number) => Promise<void>,
): Promise<void> {
  const nowMs = clock.nowMs()
  await db.write(async tx => {
    if (!(await lockUser(tx, db.engine, user))) {
      throw new DomainError('user_unknown', `there is no user ${user.name} in this account`, { user: user.name })
    }
    await change(tx, nowMs)
    const role = strongestRole((await selectRolesOf(tx, user.id)).map(each => each.role))
    await updateRole(tx, user.id, role)
    await recordEvent(tx, by, {
      kind: 'user.roles-changed',
      atMs: nowMs,
      accountId: user.accountId,
      detail: { userId: user.id, user: user.name, role },
    })
  })
}

function rowOf(user: Whose, { role, projectId }: Assignment, nowMs: number) {
  return { user_id: user.id, role, project_id: projectId, created_ms: nowMs }
}
