import type { AccountsDeps } from '../../core/accounts/deps.ts'
import { findProject } from '../../core/accounts/queries.ts'
import { DomainError } from '../../core/errors.ts'
import type { Identity } from '../../identity/identity.ts'
import type { KeystoneToken, TokenScope } from '../../identity/keystone-tokens.ts'
import type { AskedScope, CreateToken, Named } from './schemas.ts'

export type IssueDeps = Pick<AccountsDeps, 'db'> & { identity: Pick<Identity, 'logIn' | 'keystone'> }

/**
 * A token for a password or for another token. What is asked for with a token lives no longer than that one, so that a
 * stolen one cannot renew itself. Throws `credentials_invalid`, also for a scope that is not the user's.
 */
export async function issueToken(
  deps: IssueDeps,
  { auth }: CreateToken,
  sourceAddress: string,
): Promise<{ token: string; issued: KeystoneToken }> {
  const { identity, scope } = auth
  if ('token' in identity) {
    const given = await deps.identity.keystone.find(identity.token.id)
    if (!given) throw new DomainError('credentials_invalid', 'the token is wrong, expired or revoked: log in again')
    const granted = await resolveScope(deps, given.user, scope)
    const methods = [...new Set([...given.methods, 'token'])]
    return deps.identity.keystone.issue(given.user, granted, { notAfterMs: given.expiresMs, methods })
  }
  const { password, ...name } = identity.password.user
  const code = 'totp' in identity ? identity.totp.user : undefined
  const user = await deps.identity.logIn(
    'id' in name ? { id: name.id } : { name: name.name, account: name.domain },
    { password, code: code?.passcode },
    sourceAddress,
  )
  if (code && ((code.id ?? user.id) !== user.id || (code.name ?? user.name) !== user.name)) throw otherUser()
  const methods = code ? ['password', 'totp'] : ['password']
  return deps.identity.keystone.issue(user, await resolveScope(deps, user, scope), { methods })
}

async function resolveScope(
  { db }: IssueDeps,
  user: { accountId: string; accountName: string },
  asked: AskedScope | null | undefined,
): Promise<TokenScope> {
  if (!asked || asked === 'unscoped' || 'unscoped' in asked) return { kind: 'none' }
  if ('domain' in asked) {
    if (!isAccount(user, asked.domain)) throw scopeRefused()
    return { kind: 'account' }
  }
  const { project } = asked
  if ('name' in project && project.domain !== undefined && !isAccount(user, project.domain)) throw scopeRefused()
  const found = await findProject(
    db.read,
    user.accountId,
    'id' in project ? { id: project.id } : { name: project.name },
  )
  if (!found) throw scopeRefused()
  return { kind: 'project', project: found }
}

function otherUser(): DomainError {
  return new DomainError('credentials_invalid', 'password and code are of two users')
}

function isAccount(user: { accountId: string; accountName: string }, named: Named): boolean {
  return 'id' in named ? named.id === user.accountId : named.name === user.accountName
}

function scopeRefused(): DomainError {
  return new DomainError('credentials_invalid', 'the user has no such project or domain')
}
