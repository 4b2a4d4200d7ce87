import type { Actor, Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { recordEvent } from '../events.ts'
import type { AccountsDeps } from './deps.ts'
import { deleteUserRow, type User } from './queries.ts'

/**
 * Removes a user with its keys, tokens, roles and grants; what it made stays. Its name is free, and who gets it next
 * inherits nothing, because everything binds to the id. Throws `user_unknown`.
 */
export async function deleteUser(
  { db, clock }: Pick<AccountsDeps, 'db' | 'clock'>,
  by: Requester<Actor>,
  user: User,
): Promise<void> {
  const atMs = clock.nowMs()
  await db.write(async tx => {
    if (!(await deleteUserRow(tx, user))) {
      throw new DomainError('user_unknown', `there is no user ${user.name} in this account`, { user: user.name })
    }
    await recordEvent(tx, by, {
      kind: 'user.deleted',
      atMs,
      accountId: user.accountId,
      detail: { userId: user.id, user: user.name },
    })
  })
}
