import type { Access } from '../access/access.ts'
import type { Action } from '../access/decide.ts'
import type { Caller } from '../caller.ts'
import { DomainError } from '../errors.ts'

/** The caller's own account, for who may do this in it. Throws what `Access.require` throws. */
export async function requireAccount(
  access: Access,
  caller: Caller,
  action: Extract<Action, `account.${string}`> = 'account.view',
): Promise<string> {
  const { standing } = await access.require(caller, action)
  if (standing.kind === 'current') return standing.accountId
  throw new DomainError('unauthenticated', 'log in first')
}
