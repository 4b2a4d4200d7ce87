import { unsealSecretKey } from '../core/accounts/access-keys.ts'
import type { AccountsDeps } from '../core/accounts/deps.ts'
import {
  dockerLoginQuery,
  findLoginKey,
  findLoginUser,
  findProject,
  type LoginUser,
  type User,
} from '../core/accounts/queries.ts'
import type { UserCaller } from '../core/caller.ts'
import { DomainError } from '../core/errors.ts'
import { isLoginKey } from '../protocol/auth/login-key.ts'

export type LoginDeps = Pick<AccountsDeps, 'db' | 'sealer' | 'passwords'>

/** Whom a password is said to belong to. */
export type LoginName = { id: string } | { accountId: string; name: string }

/**
 * The user behind a name and a password. Throws `credentials_invalid`, alike for a wrong password, an unknown and a
 * disabled user, after about the same time; or `too_many_requests`.
 */
export async function logInWithPassword(
  { db, passwords }: Pick<LoginDeps, 'db' | 'passwords'>,
  name: LoginName | undefined,
  password: string,
): Promise<User> {
  return provePassword(passwords, name && (await findLoginUser(db.read, name)), password)
}

/** The caller behind docker credentials. */
export type DockerLogin = (login: { name: string; password: string }) => Promise<UserCaller>

/**
 * Docker credentials are `user` in the first account, `account/user` in any, each with the password, or `project@AK` with
 * the login key (`protocol/auth/login-key.ts`). Throws as `logInWithPassword`.
 */
export function openDockerLogin(deps: LoginDeps): DockerLogin {
  const findUser = dockerLoginQuery(deps.db)
  return async ({ name, password }) => {
    const at = name.lastIndexOf('@')
    // No user's name has an @ in it, so this form takes none away.
    if (at >= 0) return logInWithAccessKey(deps, { projectName: name.slice(0, at), id: name.slice(at + 1), password })
    const slash = name.indexOf('/')
    const accountName = slash < 0 ? undefined : name.slice(0, slash)
    const user = await findUser({ accountName, name: name.slice(slash + 1) })
    return callerOfUser(await provePassword(deps.passwords, user, password))
  }
}

async function provePassword(
  passwords: LoginDeps['passwords'],
  user: LoginUser | undefined,
  password: string,
): Promise<User> {
  const isRight = await passwords.verify(user, password)
  if (!user || !isRight || !user.isEnabled) throw loginInvalid()
  const { passwordHash: _, ...shown } = user
  return shown
}

async function logInWithAccessKey(
  { db, sealer }: LoginDeps,
  login: { projectName: string; id: string; password: string },
): Promise<UserCaller> {
  const key = await findLoginKey(db.read, login.id)
  if (!key?.isEnabled || !key.user.isEnabled) throw loginInvalid()
  if (!isLoginKey(login.password, key.id, unsealSecretKey(sealer, key))) throw loginInvalid()
  const project = await findProject(db.read, key.user.accountId, { name: login.projectName })
  if (!project) throw loginInvalid()
  return { ...callerOfUser(key.user), accessKey: { id: key.id, epoch: key.epoch }, projectId: project.id }
}

function callerOfUser(user: User): UserCaller {
  return {
    kind: 'user',
    userId: user.id,
    userName: user.name,
    accountId: user.accountId,
    accountName: user.accountName,
    userEpoch: user.epoch,
  }
}

function loginInvalid(): DomainError {
  return new DomainError(
    'credentials_invalid',
    'the user name or the password is wrong or no longer counts: log in again',
  )
}
