import { timingSafeEqual } from 'node:crypto'
import type { AccountsDeps } from '../core/accounts/deps.ts'
import {
  dockerLoginQuery,
  findAccount,
  findFirstAccount,
  findLoginUser,
  findProject,
  type LoginUser,
  type User,
} from '../core/accounts/queries.ts'
import { proveSecondFactor } from '../core/accounts/second-factor/second-factor.ts'
import { hashOfToken } from '../core/accounts/temporary-keys.ts'
import type { UserCaller } from '../core/caller.ts'
import { DomainError } from '../core/errors.ts'
import { bearerTokenUser, isLoginKey } from '../protocol/auth/login-key.ts'
import type { Attempt, LoginGuard } from './login-guard.ts'
import type { ProvingKey } from './proving-keys.ts'

export type LoginDeps = Pick<AccountsDeps, 'db' | 'clock' | 'sealer' | 'passwords'> & {
  guard: Pick<LoginGuard, 'attempt'>
  findKey: (id: string) => Promise<ProvingKey>
}

/**
 * A password, with the code of the second factor where the user has one. Null: the code is not asked for, because the user
 * has logged in with one already.
 */
type Given = { password: string; code?: string | null | undefined }

/** Whom a password is said to belong to. */
export type LoginName = { id: string } | { accountId: string; name: string } | { accountName: string; name: string }

/**
 * The user behind a name and a password. Throws `credentials_invalid`, alike for a wrong password, an unknown and a
 * disabled user, after about the same time; `login_refused` alike for them, too; or `too_many_requests`.
 */
export async function logInWithPassword(
  deps: Omit<LoginDeps, 'findKey'>,
  name: LoginName,
  given: Given & { sourceAddress: string },
): Promise<User> {
  const { db, guard } = deps
  const user = 'accountName' in name ? undefined : await findLoginUser(db.read, name)
  const subject = user ? subjectOf(user) : 'id' in name ? `id ${name.id}` : subjectOf(name)
  return guard.attempt({ subject, kind: 'password', sourceAddress: given.sourceAddress }, () =>
    provePassword(deps, user, given),
  )
}

/** The caller behind docker credentials. */
export type DockerLogin = (login: { name: string; password: string; sourceAddress: string }) => Promise<UserCaller>

/**
 * Docker credentials are `user` in the first account, `account/user` in any, each with the password, `project@AK` with
 * the login key (`protocol/auth/login-key.ts`) of an access key or a temporary one, or `bearertoken@id` with the token.
 * Throws as `logInWithPassword`, alike for a key that is unknown, one that no longer counts, and a wrong login key.
 */
export function openDockerLogin(deps: LoginDeps): DockerLogin {
  const findUser = dockerLoginQuery(deps.db)
  return async ({ name, password, sourceAddress }) => {
    const at = name.lastIndexOf('@')
    // No user's name has an @ in it, so this form takes none away.
    if (at >= 0) {
      const login = { projectName: name.slice(0, at), id: name.slice(at + 1), password }
      return deps.guard.attempt({ subject: login.id, kind: 'key', sourceAddress }, () =>
        logInWithAccessKey(deps, login),
      )
    }
    const slash = name.indexOf('/')
    const accountName = slash < 0 ? undefined : name.slice(0, slash)
    const user = await findUser({ accountName, name: name.slice(slash + 1) })
    const subject = user ? subjectOf(user) : await subjectOfUnknown(deps, accountName, name.slice(slash + 1))
    return deps.guard.attempt({ subject, kind: 'password', sourceAddress }, async () =>
      // Docker asks for no code: who has a second factor logs in with an access key.
      callerOfUser(await provePassword(deps, user, { password })),
    )
  }
}

/** What a login that was proved is counted as, should others of it fail. */
export function attemptOf(caller: UserCaller, sourceAddress: string): Attempt {
  if (caller.accessKey) return { subject: caller.accessKey.id, kind: 'key', sourceAddress }
  return attemptOfUser({ accountId: caller.accountId, name: caller.userName }, sourceAddress)
}

export function attemptOfUser(user: { accountId: string; name: string }, sourceAddress: string): Attempt {
  return { subject: subjectOf(user), kind: 'password', sourceAddress }
}

/** One text for one user, however a client names it. */
function subjectOf(user: { accountId: string; name: string } | { accountName: string; name: string }): string {
  return 'accountId' in user ? `${user.accountId}/${user.name}` : `no account ${user.accountName}/${user.name}`
}

/** As that of a user who is there, or failures would tell the two apart. */
async function subjectOfUnknown({ db }: LoginDeps, accountName: string | undefined, name: string): Promise<string> {
  const account = await (accountName === undefined ? findFirstAccount(db.read) : findAccount(db.read, accountName))
  return subjectOf(account ? { accountId: account.id, name } : { accountName: accountName ?? '', name })
}

async function provePassword(
  deps: Omit<LoginDeps, 'findKey' | 'guard'>,
  user: LoginUser | undefined,
  { password, code }: Given,
): Promise<User> {
  const isRight = await deps.passwords.verify(user, password)
  if (!user || !isRight || !user.isEnabled || user.accessMode === 'programmatic') throw loginInvalid()
  const { passwordHash: _, needsCode, ...shown } = user
  if (needsCode ? code === undefined : typeof code === 'string') throw loginInvalid()
  if (typeof code === 'string') await proveSecondFactor(deps, user, code)
  return shown
}

async function logInWithAccessKey(
  { db, findKey }: LoginDeps,
  login: { projectName: string; id: string; password: string },
): Promise<UserCaller> {
  const key = await findKey(login.id)
  const isRight = key.isToken
    ? login.projectName === bearerTokenUser && isToken(login.password, key)
    : isLoginKey(login.password, key.id, key.secret)
  if (!isRight || key.caller === undefined) throw loginInvalid()
  if (key.isToken) return key.caller
  const project = await findProject(db.read, key.caller.accountId, { name: login.projectName })
  if (!project) throw loginInvalid()
  return { ...key.caller, projectId: project.id }
}

function isToken(given: string, { tokenHash }: ProvingKey): boolean {
  return tokenHash !== undefined && timingSafeEqual(hashOfToken(given), tokenHash)
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
