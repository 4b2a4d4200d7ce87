import type { AccountsDeps } from '../core/accounts/deps.ts'
import { deleteExpiredSignatures, deleteExpiredTemporaryKeys } from '../core/accounts/keys/queries.ts'
import { findAccount, type User } from '../core/accounts/queries.ts'
import { proveSecondFactor } from '../core/accounts/second-factor/second-factor.ts'
import { anonymous, type Caller } from '../core/caller.ts'
import { DomainError } from '../core/errors.ts'
import type { ReceivedRequest } from '../protocol/auth/signing/received-request.ts'
import { parseAuthorization } from './authorization.ts'
import { attemptOf, attemptOfUser, logInWithPassword, openDockerLogin } from './docker-login.ts'
import { type DockerTokens, openDockerTokens } from './docker-tokens.ts'
import { callerOfToken, type KeystoneTokens, openKeystoneTokens } from './keystone-tokens.ts'
import { type GuardSettings, openLoginGuard } from './login-guard.ts'
import { openProvingKeys } from './proving-keys.ts'
import { rememberLogins } from './remembered-logins.ts'
import { noReplayGuard, openReplayGuard } from './replay-guard.ts'
import { proofBySignature } from './signed-requests.ts'
import { openSigningKeys } from './signing-keys.ts'

export type IdentityDeps = AccountsDeps & {
  /** How long tokens live, as configured. */
  tokens: { keystoneLifeMs: number; dockerLifeMs: number }
  /** When a login is refused after failures. */
  logins: GuardSettings
  /** Each signature of a request counts once; it does not unless this is given. */
  refusesReplays?: boolean
}

/**
 * From a proof to a caller. Whether the user and key behind it still count is asked with the rights, on every request
 * (`core/access`); a keystone token is looked up together with its user.
 */
export type Identity = {
  /**
   * The caller of a request to the registry, by its Authorization header: nobody in particular without one, a token with
   * its scopes, or a login without scopes. Synchronous for a token seen before, and for a login while nothing
   * changed. Throws `credentials_invalid` for everything else, never falling back to nobody; `login_refused` or
   * `too_many_requests`.
   */
  ofDocker: (authorization: string | null, sourceAddress: string) => Caller | Promise<Caller>

  /** As `ofDocker`, but a token is refused: it must not be able to renew itself. */
  ofDockerLogin: (authorization: string | null, sourceAddress: string) => Promise<Caller>

  /**
   * The caller of a management call, by its token or its signature; the body is read for a signature only. Throws
   * `unauthenticated` where there is neither, `credentials_invalid` for one that does not count, or `body_too_large`.
   */
  ofManagement: (request: ReceivedRequest) => Promise<Caller>

  /** The user behind a password and, where there is a second factor, its code; throws as `logInWithPassword`. */
  logIn: (
    name: PasswordLogin,
    given: { password: string; code?: string | undefined },
    sourceAddress: string,
  ) => Promise<User>

  /** As `logIn`, of a user who has logged in already and proves the password once more. */
  provePassword: (user: { id: string }, password: string, sourceAddress: string) => Promise<User>

  /** A code of the user's second factor; wrong ones count as failed logins. */
  proveCode: (user: User, code: string, sourceAddress: string) => Promise<void>

  /** Counts what `prove` throws as `credentials_invalid` as a failed login of the user. Throws `login_refused`. */
  guarded: <T>(user: User, sourceAddress: string, prove: () => Promise<T>) => Promise<T>

  keystone: KeystoneTokens
  docker: Pick<DockerTokens, 'issue'>

  /**
   * For a job: removes tokens, temporary keys and used signatures that have expired, in small transactions until all are
   * gone or the signal says so, and keys whose tokens have all expired. How many went.
   */
  deleteExpired: (signal?: AbortSignal) => Promise<number>
}

const rowsPerWrite = 1_000

/** A user by id, or by name in an account that is named or known by its id. */
export type PasswordLogin = { id: string } | { name: string; account: { id: string } | { name: string } }

export function openIdentity(deps: IdentityDeps): Identity {
  const keystone = openKeystoneTokens({ ...deps, lifeMs: deps.tokens.keystoneLifeMs })
  const keys = openSigningKeys(deps)
  const docker = openDockerTokens({ ...deps, keys, lifeMs: deps.tokens.dockerLifeMs })
  const guard = openLoginGuard({ ...deps, settings: deps.logins })
  const findKey = openProvingKeys(deps)
  const logInToDocker = openDockerLogin({ ...deps, findKey, guard })
  const rememberedLogin = rememberLogins(deps, logInToDocker, (caller, sourceAddress) =>
    guard.isRefusedHere(attemptOf(caller, sourceAddress)),
  )
  const replays = deps.refusesReplays ? openReplayGuard(deps) : noReplayGuard
  // Each proof answers undefined when it is not in the request; the first that is there decides.
  const managementProofs = [proofByToken(keystone), proofBySignature({ ...deps, findKey, replays })]
  return {
    ofDocker: (header, sourceAddress) => {
      if (header === null) return anonymous
      const given = parseAuthorization(header)
      switch (given.kind) {
        case 'bearer':
          return docker.verify(given.token)
        case 'basic':
          return rememberedLogin({ ...given, sourceAddress })
        case 'unreadable':
          throw unreadable()
      }
    },
    ofDockerLogin: async (header, sourceAddress) => {
      if (header === null) return anonymous
      const given = parseAuthorization(header)
      if (given.kind !== 'basic') throw unreadable()
      return logInToDocker({ ...given, sourceAddress })
    },
    ofManagement: async request => {
      for (const proof of managementProofs) {
        const caller = await proof(request)
        if (caller) return caller
      }
      throw new DomainError('unauthenticated', 'log in first: send a token in X-Auth-Token, or sign with an access key')
    },
    logIn: async (name, given, sourceAddress) =>
      logInWithPassword({ ...deps, guard }, await resolveLogin(deps, name), { ...given, sourceAddress }),
    provePassword: (user, password, sourceAddress) =>
      logInWithPassword({ ...deps, guard }, user, { password, code: null, sourceAddress }),
    proveCode: (user, code, sourceAddress) =>
      guard.attempt(attemptOfUser(user, sourceAddress), () => proveSecondFactor(deps, user, code)),
    guarded: (user, sourceAddress, prove) => guard.attempt(attemptOfUser(user, sourceAddress), prove),
    keystone,
    docker,
    deleteExpired: async signal => {
      let removed = (await keys.deleteExpired()) + (await guard.deleteExpired())
      for (const deleteSome of [keystone.deleteExpired, ...expiries(deps)]) {
        let batch = rowsPerWrite
        while (batch === rowsPerWrite && !signal?.aborted) {
          batch = await deleteSome(rowsPerWrite)
          removed += batch
        }
      }
      return removed
    },
  }
}

/** How the access line names a caller. */
export function callerName(caller: Caller): string {
  return caller.kind === 'user' ? `${caller.accountName}/${caller.userName}` : 'anonymous'
}

type ManagementProof = (request: ReceivedRequest) => Promise<Caller | undefined>

function proofByToken(keystone: KeystoneTokens): ManagementProof {
  return async ({ headers }) => {
    const token = headers.get('x-auth-token')
    if (token === null) return undefined
    const found = await keystone.find(token)
    if (!found) throw new DomainError('credentials_invalid', 'the token is wrong, expired or revoked: log in again')
    return callerOfToken(found)
  }
}

/** Each removes at most so many of what has expired, and answers how many it were. */
function expiries({ db, clock }: IdentityDeps): ((limit: number) => Promise<number>)[] {
  // What a power cut brings back has expired all the same.
  const survives = { survives: 'crash' } as const
  return [
    limit => db.write(tx => deleteExpiredTemporaryKeys(tx, clock.nowMs(), limit), survives),
    limit => db.write(tx => deleteExpiredSignatures(db.engine, tx, { nowMs: clock.nowMs(), limit }), survives),
  ]
}

async function resolveLogin({ db }: IdentityDeps, login: PasswordLogin) {
  if ('id' in login) return login
  if ('id' in login.account) return { accountId: login.account.id, name: login.name }
  const account = await findAccount(db.read, login.account.name)
  return account ? { accountId: account.id, name: login.name } : { accountName: login.account.name, name: login.name }
}

function unreadable(): DomainError {
  return new DomainError('credentials_invalid', 'the Authorization header holds no credentials that count here')
}
