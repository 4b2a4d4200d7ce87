import type { Role } from '../../protocol/iam/roles.ts'
import type { Actor, Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { recordEvent } from '../events.ts'
import type { AccountsDeps } from './deps.ts'
import { checkPassword, checkUserName } from './names.ts'
import {
  type AccessMode,
  type Account,
  findUser,
  insertUser,
  insertUserRoles,
  type User,
  upsertProfile,
} from './queries.ts'
import { randomId, randomPassword } from './random.ts'
import { changeUser } from './update-user.ts'

export type NewUser = {
  account: Pick<Account, 'id' | 'name'>
  name: string
  password?: string | undefined
  role: Role
  isEnabled?: boolean | undefined
  accessMode?: AccessMode | undefined
  /** JSON that clients keep with the user. */
  profile?: string | undefined
}

/**
 * Makes a user, with a random password where none is given; the password is answered this once. Throws
 * `parameter_invalid`, `user_exists` or `too_many_requests`.
 */
export async function createUser(
  { db, clock, passwords }: Pick<AccountsDeps, 'db' | 'clock' | 'passwords'>,
  by: Requester<Actor>,
  input: NewUser,
): Promise<{ user: User; password: string }> {
  const { account, role, profile } = input
  const password = checkPassword(input.password ?? randomPassword())
  const user: User = {
    id: randomId(),
    accountId: account.id,
    accountName: account.name,
    name: checkUserName(input.name),
    role,
    isEnabled: input.isEnabled ?? true,
    accessMode: input.accessMode ?? 'default',
    epoch: 1,
    createdMs: clock.nowMs(),
  }
  const { id, name, createdMs: nowMs } = user
  const passwordHash = await passwords.hash(password)
  await db.write(async tx => {
    const isNew = await insertUser(tx, {
      id,
      account_id: account.id,
      name,
      password_hash: passwordHash,
      role,
      is_enabled: user.isEnabled ? 1 : 0,
      access_mode: user.accessMode,
      epoch: user.epoch,
      created_ms: nowMs,
    })
    if (!isNew) throw new DomainError('user_exists', `there is a user ${account.name}/${name} already`, { user: name })
    if (role !== 'none') await insertUserRoles(tx, [{ user_id: id, role, project_id: '', created_ms: nowMs }])
    if (profile !== undefined) await upsertProfile(tx, id, profile)
    await recordEvent(tx, by, {
      kind: 'user.created',
      atMs: nowMs,
      accountId: account.id,
      detail: { userId: id, user: name, role },
    })
  })
  return { user, password }
}

/** The user of that name or id in this account. Throws `user_unknown`. */
export async function getUser(
  { db }: Pick<AccountsDeps, 'db'>,
  accountId: string,
  by: { id: string } | { name: string },
): Promise<User> {
  const user = await findUser(db.read, accountId, by)
  if (user) return user
  const named = 'id' in by ? by.id : by.name
  throw new DomainError('user_unknown', `there is no user ${named} in this account`, { user: named })
}

type ChangeDeps = Pick<AccountsDeps, 'db' | 'clock' | 'passwords'>

/**
 * Sets a password (a random one where none is given), which voids every token and session of the user; the password is
 * answered this once. Throws `parameter_invalid`, `user_unknown` or `too_many_requests`.
 */
export async function setPassword(
  deps: ChangeDeps,
  by: Requester<Actor>,
  input: { user: User; password?: string | undefined },
): Promise<{ password: string }> {
  const password = input.password ?? randomPassword()
  await changeUser(deps, by, { user: input.user, change: { password } })
  return { password }
}

/** Voids everything the user can prove himself with, access keys included. Throws `user_unknown`. */
export async function disableUser(deps: ChangeDeps, by: Requester<Actor>, user: User): Promise<void> {
  await changeUser(deps, by, { user, change: { isEnabled: false } })
}

/** Password and access keys count again; tokens made before stay void. Throws `user_unknown`. */
export async function enableUser(deps: ChangeDeps, by: Requester<Actor>, user: User): Promise<void> {
  await changeUser(deps, by, { user, change: { isEnabled: true } })
}
