import { randomBytes } from 'node:crypto'
import type { AccountsDeps } from '../core/accounts/deps.ts'
import type { UserCaller } from '../core/caller.ts'
import { BoundedMemory } from './bounded-memory.ts'
import type { DockerLogin } from './docker-login.ts'

const mostRemembered = 4096

/**
 * Logins under a key of this process, for clients that send their password with every request. While nothing was
 * committed that changes rights, one that succeeded is answered at once; after such a commit it is proved anew, and gives the
 * same object as long as it stands for the same user, key and epochs, so that answers kept for that object stay good. A
 * failure is never remembered, and a login with an end is proved anew when it is over. Each address has its own memory, and
 * `isRefused` is asked all the same: who guesses a password must not find the right one here.
 */
export function rememberLogins(
  { db, clock }: { db: Pick<AccountsDeps['db'], 'version'>; clock: AccountsDeps['clock'] },
  logIn: DockerLogin,
  isRefused: (caller: UserCaller, sourceAddress: string) => boolean,
): (login: Parameters<DockerLogin>[0]) => UserCaller | Promise<UserCaller> {
  const secret = randomBytes(32)
  const remembered = new BoundedMemory<string, { caller: UserCaller; version: number | undefined }>(mostRemembered)
  return login => {
    // Names and passwords may hold any character, so only their lengths tell where one ends.
    const proof = new Bun.CryptoHasher('sha256', secret)
      .update(`${login.sourceAddress} ${login.name.length} ${login.name}${login.password}`)
      .digest('base64')
    const known = remembered.get(proof)
    // Before the proof: a commit beside it makes the next one look again.
    const version = db.version('rights')
    const isCurrent =
      known !== undefined &&
      version !== undefined &&
      known.version === version &&
      clock.nowMs() < (known.caller.expiresMs ?? Number.POSITIVE_INFINITY)
    if (isCurrent && !isRefused(known.caller, login.sourceAddress)) return known.caller
    return logIn(login).then(proved => {
      const caller = known !== undefined && isSameProof(known.caller, proved) ? known.caller : proved
      remembered.set(proof, { caller, version })
      return caller
    })
  }
}

function isSameProof(known: UserCaller, proved: UserCaller): boolean {
  return Bun.deepEquals(known, proved, true)
}
