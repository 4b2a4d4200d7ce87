import { createHash, randomBytes } from 'node:crypto'
import type { AccountsDeps } from '../core/accounts/deps.ts'
import {
  deleteExpiredKeystoneTokens,
  deleteKeystoneToken,
  insertKeystoneToken,
  type KeystoneTokenRow,
  keystoneTokenQuery,
} from '../core/accounts/proofs/queries.ts'
import type { Project, User } from '../core/accounts/queries.ts'
import type { UserCaller } from '../core/caller.ts'
import { DomainError } from '../core/errors.ts'
import { parseRole, type Role } from '../protocol/iam/roles.ts'

/** What a token was asked for. Rights do not depend on it: they are the user's own. */
export type TokenScope =
  | { kind: 'none' }
  | { kind: 'account' }
  | { kind: 'project'; project: Pick<Project, 'id' | 'name'> }

/** A token that counts. */
export type KeystoneToken = {
  user: { id: string; name: string; epoch: number; role: Role; accountId: string; accountName: string }
  scope: TokenScope
  /** How the user proved itself for it, and for what it was made from: `password`, `totp`, `token`. */
  methods: readonly string[]
  issuedMs: number
  expiresMs: number
}

/** Tokens of `POST /v3/auth/tokens`: 256 random bits, of which the store keeps only the SHA-256. */
export type KeystoneTokens = {
  /** `token` is the secret, answered this once. `expiresMs` never lies past `notAfterMs`. */
  issue: (
    user: Pick<User, 'id' | 'name' | 'epoch' | 'role' | 'accountId' | 'accountName'>,
    scope: TokenScope,
    options?: { notAfterMs?: number; methods?: readonly string[] },
  ) => Promise<{ token: string; issued: KeystoneToken }>
  /** Undefined for a token that is unknown, expired or revoked, or whose user is disabled or changed the password. */
  find: (token: string) => Promise<KeystoneToken | undefined>
  /** From then on the token is unknown. Throws `token_unknown` when it is already. */
  revoke: (token: string) => Promise<void>
  /** For a job: removes at most `limit` expired tokens and answers how many it were. */
  deleteExpired: (limit: number) => Promise<number>
}

export function openKeystoneTokens({
  db,
  clock,
  lifeMs,
}: Pick<AccountsDeps, 'db' | 'clock'> & { lifeMs: number }): KeystoneTokens {
  const findRow = keystoneTokenQuery(db)
  return {
    issue: async (user, scope, { notAfterMs = Number.POSITIVE_INFINITY, methods = ['password'] } = {}) => {
      const token = randomBytes(32).toString('base64url')
      const issuedMs = clock.nowMs()
      const expiresMs = Math.min(issuedMs + lifeMs, notAfterMs)
      const row = {
        token_hash: hashOf(token),
        user_id: user.id,
        user_epoch: user.epoch,
        scope: scope.kind,
        project_id: scope.kind === 'project' ? scope.project.id : null,
        issued_ms: issuedMs,
        expires_ms: expiresMs,
        methods: methods.join(','),
      }
      // A token that a power cut takes back is one more login; that it is revoked must last.
      await db.write(tx => insertKeystoneToken(tx, row), { survives: 'crash' })
      const { id, name, epoch, role, accountId, accountName } = user
      const owner = { id, name, epoch, role, accountId, accountName }
      return { token, issued: { user: owner, scope, methods, issuedMs, expiresMs } }
    },
    find: async token => {
      const [row] = await findRow([hashOf(token), clock.nowMs()])
      return row && readToken(row)
    },
    revoke: async token => {
      const wasThere = await db.write(tx => deleteKeystoneToken(tx, hashOf(token)))
      if (!wasThere) throw new DomainError('token_unknown', 'there is no such token')
    },
    deleteExpired: limit => {
      const nowMs = clock.nowMs()
      // One that a power cut brings back has expired all the same.
      return db.write(tx => deleteExpiredKeystoneTokens(tx, nowMs, limit), { survives: 'crash' })
    },
  }
}

export function callerOfToken({ user, scope }: KeystoneToken): UserCaller {
  return {
    kind: 'user',
    userId: user.id,
    userName: user.name,
    accountId: user.accountId,
    accountName: user.accountName,
    userEpoch: user.epoch,
    ...(scope.kind === 'project' ? { projectId: scope.project.id } : {}),
  }
}

function hashOf(token: string): Uint8Array {
  return createHash('sha256').update(token).digest()
}

function readToken(row: KeystoneTokenRow): KeystoneToken {
  return {
    user: {
      id: row.user_id,
      name: row.user_name,
      epoch: row.user_epoch,
      role: parseRole(row.role),
      accountId: row.account_id,
      accountName: row.account_name,
    },
    scope: readScope(row),
    methods: row.methods.split(','),
    issuedMs: row.issued_ms,
    expiresMs: row.expires_ms,
  }
}

function readScope(row: KeystoneTokenRow): TokenScope {
  if (row.scope === 'project' && row.project_id !== null && row.project_name !== null) {
    return { kind: 'project', project: { id: row.project_id, name: row.project_name } }
  }
  return row.scope === 'account' ? { kind: 'account' } : { kind: 'none' }
}
