import type { Role } from '../../protocol/iam/roles.ts'
import type { Access } from '../access/access.ts'
import type { Caller, Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { changeAccessKey, createAccessKey, deleteAccessKey, type NewAccessKey } from './access-keys.ts'
import { deleteUser } from './delete-user.ts'
import type { AccountsDeps } from './deps.ts'
import { type AccessKey, findAccessKey, findProfile, selectAccessKeys, type User } from './queries.ts'
import { refuseOnOneself, requireManager, requireManagerOrSelf } from './rights.ts'
import { type Assignment, assignRole, unassignRole } from './roles.ts'
import { refuseByTemporaryKey } from './temporary-keys.ts'
import { changeUser, type UserChange } from './update-user.ts'
import { createUser, getUser, type NewUser } from './users.ts'

/*
 * What users do to the users, keys and roles of their own account: the commands that operators run, each behind the right
 * to it. Whoever is not of the caller's account is `user_unknown`; all throw what `Access.require` throws.
 */

type Deps = AccountsDeps & { access: Access }
type By = Requester & { caller: Extract<Caller, { kind: 'user' }> }

/** A user as those see it who may see all of it: managers, and the user itself. */
export type UserWithProfile = { user: User; profile: string | undefined }

export async function makeUser(deps: Deps, by: By, input: Omit<NewUser, 'account' | 'role'>): Promise<User> {
  await requireManager(deps, by)
  const account = { id: by.caller.accountId, name: by.caller.accountName }
  return (await createUser(deps, by, { ...input, account, role: 'none' satisfies Role })).user
}

/** `profile` is shown to managers and to the user itself. */
export async function showUser(deps: Deps, by: By, id: string): Promise<UserWithProfile> {
  const user = await getUser(deps, by.caller.accountId, { id })
  const mayManage = await isManager(deps, by)
  const isOpen = mayManage || by.caller.userId === user.id
  return { user, profile: isOpen ? await findProfile(deps.db.read, user.id) : undefined }
}

/** `change` is made from what was kept before, so that what a client leaves out stays. */
export async function editUser(
  deps: Deps,
  by: By,
  { id, change }: { id: string; change: (before: UserWithProfile) => UserChange },
): Promise<UserWithProfile> {
  await requireManager(deps, by)
  const user = await getUser(deps, by.caller.accountId, { id })
  const before = { user, profile: await findProfile(deps.db.read, user.id) }
  const changed = change(before)
  if (changed.isEnabled === false || changed.accessMode === 'programmatic') refuseOnOneself(by, user, 'lock out')
  await changeUser(deps, by, { user, change: changed })
  return { user: await getUser(deps, by.caller.accountId, { id }), profile: changed.profile ?? before.profile }
}

export async function removeUser(deps: Deps, by: By, id: string): Promise<void> {
  await requireManager(deps, by)
  const user = await getUser(deps, by.caller.accountId, { id })
  refuseOnOneself(by, user, 'delete')
  await deleteUser(deps, by, user)
}

/** The own password, by whoever proved (`proveOld`) to know the old one. Throws `denied` for another user’s. */
export async function changeOwnPassword(
  deps: Deps,
  by: By,
  { id, password, proveOld }: { id: string; password: string; proveOld: (user: User) => Promise<unknown> },
): Promise<void> {
  const user = await getUser(deps, by.caller.accountId, { id })
  if (user.id !== by.caller.userId) throw new DomainError('denied', 'only the own password is changed by the old one')
  await requireManagerOrSelf(deps, by, user)
  await proveOld(user)
  await changeUser(deps, by, { user, change: { password } })
}

export async function makeAccessKey(
  deps: Deps,
  by: By,
  { userId, description }: { userId: string; description: string },
): Promise<NewAccessKey & { createdMs: number }> {
  refuseByTemporaryKey(by.caller)
  await requireManagerOrSelf(deps, by, { id: userId })
  const user = await getUser(deps, by.caller.accountId, { id: userId })
  return createAccessKey(deps, by, user, description)
}

/** Of one user, or with no id of the caller. */
export async function listAccessKeysOf(deps: Deps, by: By, userId = by.caller.userId): Promise<AccessKey[]> {
  await requireManagerOrSelf(deps, by, { id: userId })
  const { id } = await getUser(deps, by.caller.accountId, { id: userId })
  return selectAccessKeys(deps.db.read, { accountId: by.caller.accountId, userId: id }, { limit: mostKeys })
}

/** Throws `access_key_unknown` also for a key of somebody else, where the caller manages no users. */
export async function getAccessKey(deps: Deps, by: By, id: string): Promise<AccessKey> {
  const key = await findAccessKey(deps.db.read, { accountId: by.caller.accountId, id })
  if (key && (key.userId === by.caller.userId || (await isManager(deps, by)))) return key
  throw new DomainError('access_key_unknown', `there is no access key ${id}`, { accessKey: id })
}

export async function editAccessKey(
  deps: Deps,
  by: By,
  { id, ...change }: { id: string; isEnabled?: boolean | undefined; description?: string | undefined },
): Promise<AccessKey> {
  const { userId } = await getAccessKey(deps, by, id)
  await requireManagerOrSelf(deps, by, { id: userId })
  await changeAccessKey(deps, by, { key: { accountId: by.caller.accountId, id }, change })
  return getAccessKey(deps, by, id)
}

export async function removeAccessKey(deps: Deps, by: By, id: string): Promise<void> {
  const { userId } = await getAccessKey(deps, by, id)
  await requireManagerOrSelf(deps, by, { id: userId })
  await deleteAccessKey(deps, by, { accountId: by.caller.accountId, id })
}

export async function giveRole(deps: Deps, by: By, userId: string, given: Assignment): Promise<void> {
  await requireManager(deps, by)
  await assignRole(deps, by, await getUser(deps, by.caller.accountId, { id: userId }), given)
}

/** Throws `role_unknown` for one that is not held. */
export async function takeRole(deps: Deps, by: By, userId: string, taken: Assignment): Promise<void> {
  await requireManager(deps, by)
  const user = await getUser(deps, by.caller.accountId, { id: userId })
  if (taken.role === 'te_admin') refuseOnOneself(by, user, 'take the administration from')
  await unassignRole(deps, by, user, taken)
}

/** True for who manages users of the own account, whatever the installation takes now. */
export async function isManager({ access }: { access: Access }, { caller }: Pick<By, 'caller'>): Promise<boolean> {
  return access.require(caller, 'token.inspect').then(
    () => true,
    error => {
      if (error instanceof DomainError && error.code === 'denied') return false
      throw error
    },
  )
}

/** More than any user has. */
const mostKeys = 1_000
