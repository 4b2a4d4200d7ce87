import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import type { AccountsDeps } from '../core/accounts/deps.ts'
import { deleteExpiredRefusals, insertRefusal, loginRefusalQuery } from '../core/accounts/proofs/queries.ts'
import { DomainError, isDomainError } from '../core/errors.ts'
import { BoundedMemory } from './bounded-memory.ts'

/** Whose failures are counted, and from where. */
export type Attempt = {
  /** The login name in one form, whichever a client writes it in; unknown ones too, so that both look alike. */
  subject: string
  /** A password costs a guesser much more time than a key, so neither crowds the other out. */
  kind: 'password' | 'key'
  sourceAddress: string
}

/**
 * Refuses logins of one name from one address after repeated failures, right ones too, and none from anywhere else: nobody
 * can keep another out. Failures are counted in this process, so a server of several replicas takes as many times more of
 * them; what follows is shared through the metadata. Nothing is written for a single failure.
 */
export type LoginGuard = {
  /** Runs `prove` and counts its `credentials_invalid`. Throws `login_refused` instead while the name is refused from there. */
  attempt: <T>(attempt: Attempt, prove: () => Promise<T>) => Promise<T>
  /** True while this process refuses it; for logins that are remembered, and ask nothing else. */
  isRefusedHere: (attempt: Attempt) => boolean
  /** For a job: removes refusals that are over. */
  deleteExpired: () => Promise<number>
}

export type GuardSettings = {
  /** So many failures within `refusedForMs`, one after another, are too many. */
  mostFailures: number
  refusedForMs: number
}

/** Names and addresses that failures are counted for, in each kind. */
const mostCounted = 10_000
/** Rows that one flood can make; what comes beyond them is refused by this process alone. */
const mostShared = 10_000

export function openLoginGuard({
  db,
  clock,
  settings,
}: Pick<AccountsDeps, 'db' | 'clock'> & { settings: GuardSettings }): LoginGuard {
  const { mostFailures, refusedForMs } = settings
  const findRefusal = loginRefusalQuery(db)
  const counted = {
    password: new BoundedMemory<string, Count>(mostCounted),
    key: new BoundedMemory<string, Count>(mostCounted),
  }
  const refusedHere = new BoundedMemory<string, number>(mostCounted)

  const count = async (kind: Attempt['kind'], key: Uint8Array, name: string) => {
    const nowMs = clock.nowMs()
    const known = counted[kind].get(name)
    const failures = known && nowMs - known.sinceMs < refusedForMs ? known.failures + 1 : 1
    if (failures < mostFailures) {
      counted[kind].set(name, { failures, sinceMs: failures === 1 ? nowMs : (known?.sinceMs ?? nowMs) })
      return
    }
    counted[kind].delete(name)
    const untilMs = nowMs + refusedForMs
    refusedHere.set(name, untilMs)
    // One that a power cut takes back is counted anew.
    await db.write(
      async tx => {
        await deleteExpiredRefusals(tx, nowMs)
        await insertRefusal(tx, { login_hash: key, until_ms: untilMs }, mostShared)
      },
      { survives: 'crash' },
    )
  }

  return {
    attempt: async (attempt, prove) => {
      const { kind } = attempt
      const key = keyOf(attempt)
      const name = key.toString('base64')
      const nowMs = clock.nowMs()
      if ((refusedHere.get(name) ?? 0) > nowMs || (await findRefusal([key, nowMs])).length > 0) throw refused()
      try {
        const proved = await prove()
        counted[kind].delete(name)
        return proved
      } catch (error) {
        if (isDomainError(error, 'credentials_invalid')) await count(kind, key, name)
        throw error
      }
    },
    isRefusedHere: attempt =>
      refusedHere.size > 0 && (refusedHere.get(keyOf(attempt).toString('base64')) ?? 0) > clock.nowMs(),
    deleteExpired: () => db.write(tx => deleteExpiredRefusals(tx, clock.nowMs()), { survives: 'crash' }),
  }
}

function keyOf({ subject, kind, sourceAddress }: Attempt): Buffer {
  return createHash('sha256')
    .update(`${kind}\n${networkOf(sourceAddress)}\n${subject}`)
    .digest()
}

type Count = { failures: number; sinceMs: number }

/** Who has one IPv6 address has all of its /64. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length)
  const groups = [...front, ...Array.from({ length: zeros }, () => '0'), ...back]
  return groups
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')
}

/** SWR's own words, which its users search for. */
function refused(): DomainError {
  return new DomainError('login_refused', 'Not allow to login, upload or download image', {
    looked: ['no: so many logins of this name failed from this address that it waits'],
  })
}
