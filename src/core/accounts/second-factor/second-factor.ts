import { randomBytes } from 'node:crypto'
import { base32, findTotpStep } from '../../../protocol/auth/totp.ts'
import type { Actor, Requester } from '../../caller.ts'
import { DomainError } from '../../errors.ts'
import { type EventKind, recordEvent } from '../../events.ts'
import type { AccountsDeps } from '../deps.ts'
import { type User, updateUser } from '../queries.ts'
import { deleteDevice, findDevice, insertDevice, useDevice } from './queries.ts'

type Deps = Pick<AccountsDeps, 'db' | 'clock' | 'sealer'>
type Whose = Pick<User, 'id' | 'accountId' | 'name'>

/** As authenticator apps expect (RFC 4226, section 4: at least 128 bits, 160 recommended). */
const secretBytes = 20

/**
 * Makes a device that counts once it is bound, in the place of one that never was. The seed is answered this once, in
 * base 32. Throws `second_factor_exists` where one is bound.
 */
export async function createSecondFactor(
  { db, clock, sealer }: Deps,
  by: Requester<Actor>,
  { user, name }: { user: Whose; name: string },
): Promise<{ seed: string }> {
  const secret = randomBytes(secretBytes)
  const row = {
    ...{ user_id: user.id, name, is_bound: 0, last_step: 0, created_ms: clock.nowMs() },
    sealed_secret: sealer.seal(secret, sealPurpose(user)),
  }
  await db.write(async tx => {
    if (!(await insertDevice(tx, row))) {
      throw new DomainError('second_factor_exists', `${user.name} has a second factor already: unbind it first`)
    }
    await recordEvent(tx, by, eventOf('second-factor.created', user, row.created_ms))
  })
  return { seed: base32(secret) }
}

/**
 * Binds a device by two codes, the second of the step after the first: from now on the password alone does not log in.
 * Every token of the user is void. Throws `second_factor_unknown` or `credentials_invalid`.
 */
export async function bindSecondFactor(
  { db, clock, sealer }: Deps,
  by: Requester<Actor>,
  { user, codes: [first, second] }: { user: Whose; codes: readonly [string, string] },
): Promise<void> {
  const nowMs = clock.nowMs()
  await db.write(async tx => {
    const device = await findDevice(tx, user, db.engine)
    if (!device || device.is_bound === 1) throw unknown(user)
    const secret = sealer.unseal(device.sealed_secret, sealPurpose(user))
    const [before, after] = [findTotpStep(secret, first, nowMs), findTotpStep(secret, second, nowMs)]
    if (before === undefined || after !== before + 1 || !(await useDevice(tx, user.id, after))) throw wrongCode()
    await updateUser(tx, user, {})
    await recordEvent(tx, by, eventOf('second-factor.bound', user, nowMs))
  })
}

/** Throws `credentials_invalid` for a code that is wrong, too old or used; whoever has no bound device needs none. */
export async function proveSecondFactor({ db, clock, sealer }: Deps, user: Whose, code: string): Promise<void> {
  const device = await findDevice(db.read, user)
  if (device?.is_bound !== 1) throw wrongCode()
  const step = findTotpStep(sealer.unseal(device.sealed_secret, sealPurpose(user)), code, clock.nowMs())
  // A wrong code writes nothing.
  if (step === undefined || !(await db.write(tx => useDevice(tx, user.id, step)))) throw wrongCode()
}

/** Takes a device away; the password alone logs in again. Throws `second_factor_unknown`. */
export async function removeSecondFactor(
  { db, clock }: Pick<Deps, 'db' | 'clock'>,
  by: Requester<Actor>,
  user: Whose,
): Promise<void> {
  const atMs = clock.nowMs()
  await db.write(async tx => {
    if (!(await findDevice(tx, user, db.engine)) || !(await deleteDevice(tx, user.id))) throw unknown(user)
    await recordEvent(tx, by, eventOf('second-factor.removed', user, atMs))
  })
}

function eventOf(kind: EventKind, user: Whose, atMs: number) {
  return { kind, atMs, accountId: user.accountId, detail: { userId: user.id, user: user.name } }
}

function sealPurpose({ id }: Whose): string {
  return `second-factor ${id}`
}

function unknown({ name }: Whose): DomainError {
  return new DomainError('second_factor_unknown', `${name} has no such second factor`)
}

function wrongCode(): DomainError {
  return new DomainError('credentials_invalid', 'the code is wrong, too old or used: take the next one')
}
