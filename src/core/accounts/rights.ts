import type { Access } from '../access/access.ts'
import type { Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import type { User } from './queries.ts'

/** Who manages the users of the account; operators, who run commands on the data folder, are not asked. */
export async function requireManager({ access }: { access: Access }, { caller }: Requester): Promise<void> {
  await access.require(caller, 'user.manage')
}

/** A right that every user has on itself, and a manager on all users of the account. */
export async function requireManagerOrSelf(
  { access }: { access: Access },
  by: Requester,
  user: Pick<User, 'id'>,
): Promise<void> {
  const { caller } = by
  if (caller.kind === 'user' && caller.userId === user.id) await access.require(caller, 'user.change-oneself')
  else await requireManager({ access }, by)
}

/** An account must not lose its last administrator by a slip: what takes that office away is for another one to do. */
export function refuseOnOneself(by: Requester, user: Pick<User, 'id'>, doing: string): void {
  if (by.caller.kind !== 'user' || by.caller.userId !== user.id) return
  throw new DomainError('denied', `nobody may ${doing} oneself: ask another administrator of the account`)
}
