import type { Role } from '../../protocol/iam/roles.ts'
import type { Actor, Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { type EventKind, recordEvent } from '../events.ts'
import type { AccountsDeps } from './deps.ts'
import { checkPassword, checkUserName } from './names.ts'
import { type Account, findUser, insertUser, insertUserRoles, type User, updateUser } from './queries.ts'
import { randomId, randomPassword } from './random.ts'

/**
 * Makes a user, with a random password where none is given; the password is answered this once. Throws
 * `parameter_invalid`, `user_exists` or `too_many_requests`.
 */
export async function createUser(
  { db, clock, passwords }: Pick<AccountsDeps, 'db' | 'clock' | 'passwords'>,
  by: Requester<Actor>,
  input: { account: Account; name: string; password?: string | undefined; role: Role },
): Promise<{ user: User; password: string }> {
  const { account, role } = input
  const name = checkUserName(input.name)
  const password = checkPassword(input.password ?? randomPassword())
  const passwordHash = await passwords.hash(password)
  const id = randomId()
  const nowMs = clock.nowMs()
  await db.write(async tx => {
    const isNew = await insertUser(tx, {
      id,
      account_id: account.id,
      name,
      password_hash: passwordHash,
      role,
      is_enabled: 1,
      epoch: 1,
      created_ms: nowMs,
    })
    if (!isNew) throw new DomainError('user_exists', `there is a user ${account.name}/${name} already`, { user: name })
    if (role !== 'none') await insertUserRoles(tx, [{ user_id: id, role, project_id: '', created_ms: nowMs }])
    await recordEvent(tx, by, {
      kind: 'user.created',
      atMs: nowMs,
      accountId: account.id,
      detail: { userId: id, user: name, role },
    })
  })
  const user: User = {
    id,
    accountId: account.id,
    accountName: account.name,
    name,
    role,
    isEnabled: true,
    epoch: 1,
    createdMs: nowMs,
  }
  return { user, password }
}

/** The user of that name or id in this account. Throws `user_unknown`. */
export async function getUser(
  { db }: Pick<AccountsDeps, 'db'>,
  accountId: string,
  by: { id: string } | { name: string },
): Promise<User> {
  const user = await findUser(db.read, accountId, by)
  if (!user) throw userUnknown('id' in by ? by.id : by.name)
  return user
}

/**
 * Sets a password (a random one where none is given), which voids every token and session of the user; the password is
 * answered this once. Throws `parameter_invalid`, `user_unknown` or `too_many_requests`.
 */
export async function setPassword(
  { db, clock, passwords }: Pick<AccountsDeps, 'db' | 'clock' | 'passwords'>,
  by: Requester<Actor>,
  input: { user: User; password?: string | undefined },
): Promise<{ password: string }> {
  const password = checkPassword(input.password ?? randomPassword())
  const passwordHash = await passwords.hash(password)
  await changeUser({ db, clock }, by, input.user, { passwordHash }, 'user.password-changed')
  return { password }
}

/** Voids everything the user can prove himself with, access keys included. Throws `user_unknown`. */
export async function disableUser(
  deps: Pick<AccountsDeps, 'db' | 'clock'>,
  by: Requester<Actor>,
  user: User,
): Promise<void> {
  await changeUser(deps, by, user, { isEnabled: false }, 'user.disabled')
}

/** Password and access keys count again; tokens made before stay void. Throws `user_unknown`. */
export async function enableUser(
  deps: Pick<AccountsDeps, 'db' | 'clock'>,
  by: Requester<Actor>,
  user: User,
): Promise<void> {
  await changeUser(deps, by, user, { isEnabled: true }, 'user.enabled')
}

async function changeUser(
  { db, clock }: Pick<AccountsDeps, 'db' | 'clock'>,
  by: Requester<Actor>,
  user: User,
  change: { passwordHash?: string; isEnabled?: boolean },
  kind: EventKind,
): Promise<void> {
  const atMs = clock.nowMs()
  await db.write(async tx => {
    if (!(await updateUser(tx, user, change))) throw userUnknown(user.name)
    await recordEvent(tx, by, {
      kind,
      atMs,
      accountId: user.accountId,
      detail: { userId: user.id, user: user.name },
    })
  })
}

function userUnknown(user: string): DomainError {
  return new DomainError('user_unknown', `there is no user ${user} in this account`, { user })
}
