import { createHmac, randomBytes } from 'node:crypto'
import type { Passwords } from '../core/accounts/deps.ts'
import { maxPasswordLength } from '../core/accounts/names.ts'
import { DomainError } from '../core/errors.ts'
import { BoundedMemory } from './bounded-memory.ts'

/**
 * Of the parameters that OWASP's Password Storage Cheat Sheet calls equally strong, those with 9 MiB and four passes:
 * a login then takes 9 MiB beside the uploads under way, not 19 (docs/decisions/007).
 */
const argon2 = { algorithm: 'argon2id', memoryCost: 9_216, timeCost: 4 } as const

/** The least that the algorithm takes, for passwords that end with the process: 0.1 ms. */
const leastArgon2 = { algorithm: 'argon2id', memoryCost: 8, timeCost: 1 } as const

/** Each takes 9 MiB and a core while it runs; with one at a time a flood of wrong passwords gets one core and no more. */
const mostAtOnce = 1
const mostWaiting = 64
const mostRemembered = 4096

/**
 * Hashes and checks passwords, one at a time and 64 in the queue; more throw `too_many_requests`. A success is remembered
 * under a key of this process until the user's epoch moves on, so that a client that sends its password with every
 * request pays once. A failure is never remembered: guessing costs the whole price each time.
 */
export function openPasswords({ areLasting = true }: { areLasting?: boolean } = {}): Passwords {
  const secret = randomBytes(32)
  const remembered = new BoundedMemory<string, true>(mostRemembered)
  const underWay = new Map<string, Promise<boolean>>()
  const inTurn = queue(mostAtOnce, mostWaiting)
  return {
    hash: password => inTurn(() => Bun.password.hash(password, areLasting ? argon2 : leastArgon2)),
    verify: async (user, password) => {
      if (password.length === 0 || password.length > maxPasswordLength) return false
      const proof = createHmac('sha256', secret)
        .update(JSON.stringify([user?.id, user?.epoch, user?.passwordHash, password]))
        .digest('base64')
      if (remembered.get(proof)) return true
      // Clients ask for several tokens at once: one check answers them all.
      const check =
        underWay.get(proof) ?? inTurn(() => Bun.password.verify(password, user?.passwordHash ?? nobodysHash))
      underWay.set(proof, check)
      const isRight = await check.finally(() => underWay.delete(proof))
      if (!user || !isRight) return false
      remembered.set(proof, true)
      return true
    },
  }
}

/** Of a random password that nobody kept, with the parameters of `argon2`: checking it takes the time of a real one. */
const nobodysHash =
  '$argon2id$v=19$m=9216,t=4,p=1$hnEYyf4eStKooVkVev3hL9RAvaHe0+RIJauaoZW8Msg$yayggqnjtl2kyjR/9eII+mqD9svus9+RfKRDEk6sTOI'

function queue(atOnce: number, waiting: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiters: (() => void)[] = []
  let running = 0
  return async work => {
    if (running >= atOnce) {
      if (waiters.length >= waiting) {
        throw new DomainError('too_many_requests', 'too many logins at once: try again in a few seconds')
      }
      // Whoever ends hands its turn over, so `running` stays as it is.
      await new Promise<void>(resolve => waiters.push(resolve))
    } else {
      running += 1
    }
    try {
      return await work()
    } finally {
      const next = waiters.shift()
      if (next) next()
      else running -= 1
    }
  }
}
