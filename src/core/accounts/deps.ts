import type { Database } from '../../metadata/database.ts'
import type { Clock } from '../clock.ts'

/** What commands of accounts are given. `identity` makes the sealer and the passwords. */
export type AccountsDeps = { db: Database; clock: Clock; sealer: Sealer; passwords: Passwords }

/**
 * Encrypts secrets that have to stay readable. `purpose` says whose secret it is (`access-key AK`); a sealed secret
 * opens only under the purpose it was sealed for, so rows cannot be swapped. `unseal` throws `unavailable`.
 */
export type Sealer = {
  seal: (plain: Uint8Array, purpose: string) => Uint8Array
  unseal: (sealed: Uint8Array, purpose: string) => Uint8Array
}

/** Both throw `too_many_requests` when too many passwords wait to be hashed. */
export type Passwords = {
  /** A hash in PHC form, with its own salt. */
  hash: (password: string) => Promise<string>
  /** False for a wrong password and, after about the same time, for a user who is not there. */
  verify: (user: PasswordOwner | undefined, password: string) => Promise<boolean>
}

export type PasswordOwner = { id: string; epoch: number; passwordHash: string }
