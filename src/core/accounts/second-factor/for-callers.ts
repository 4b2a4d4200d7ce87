import type { Access } from '../../access/access.ts'
import type { Requester, UserCaller } from '../../caller.ts'
import { DomainError } from '../../errors.ts'
import type { AccountsDeps } from '../deps.ts'
import { isManager } from '../for-callers.ts'
import type { User } from '../queries.ts'
import { requireManagerOrSelf } from '../rights.ts'
import { getUser } from '../users.ts'
import { findDevice, selectDevices } from './queries.ts'
import { bindSecondFactor, createSecondFactor, removeSecondFactor } from './second-factor.ts'

type Deps = AccountsDeps & { access: Access }
type By = Requester & { caller: UserCaller }

/** A code of a device that is bound, or two for one that is to be; `guard` counts wrong ones as failed logins. */
type Guard = <T>(user: User, prove: () => Promise<T>) => Promise<T>

export async function makeDevice(
  deps: Deps,
  by: By,
  { userId, name }: { userId: string; name: string },
): Promise<{ user: User; seed: string }> {
  const user = await userFor(deps, by, userId)
  return { user, ...(await createSecondFactor(deps, by, { user, name })) }
}

export async function bindDevice(
  deps: Deps,
  by: By,
  { userId, codes, guard }: { userId: string; codes: readonly [string, string]; guard: Guard },
): Promise<void> {
  const user = await userFor(deps, by, userId)
  await guard(user, () => bindSecondFactor(deps, by, { user, codes }))
}

/** By a code of it, so that a token that was stolen takes no device away. */
export async function unbindDevice(
  deps: Deps,
  by: By,
  { userId, prove }: { userId: string; prove: (user: User) => Promise<unknown> },
): Promise<void> {
  const user = await userFor(deps, by, userId)
  await prove(user)
  await removeSecondFactor(deps, by, user)
}

/** Without a code: managers for whoever lost the device, the user itself only while it is not bound. */
export async function removeDevice(deps: Deps, by: By, userId: string): Promise<void> {
  const user = await userFor(deps, by, userId)
  const device = await findDevice(deps.db.read, user)
  const isOwn = user.id === by.caller.userId
  if (device?.is_bound === 1 && (isOwn || !(await isManager(deps, by)))) {
    throw new DomainError('denied', 'unbind the device by a code of it, or ask another administrator of the account')
  }
  await removeSecondFactor(deps, by, user)
}

/** Throws `second_factor_unknown`. */
export async function showDevice(deps: Deps, by: By, userId: string): Promise<{ user: User; name: string }> {
  const user = await userFor(deps, by, userId)
  const device = await findDevice(deps.db.read, user)
  if (device) return { user, name: device.name }
  throw new DomainError('second_factor_unknown', `${user.name} has no second factor`)
}

/** The bound devices of the account, for managers. */
export async function listDevices(deps: Deps, by: By): Promise<{ userId: string; name: string }[]> {
  await deps.access.require(by.caller, 'token.inspect')
  return selectDevices(deps.db.read, by.caller.accountId, mostListed)
}

const mostListed = 10_000

async function userFor(deps: Deps, by: By, userId: string): Promise<User> {
  await requireManagerOrSelf(deps, by, { id: userId })
  return getUser(deps, by.caller.accountId, { id: userId })
}
