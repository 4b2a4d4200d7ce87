import type { Transaction } from '../../metadata/database.ts'
import { isUniqueViolation } from '../../metadata/dialects.ts'
import type { Actor, Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { type Event, type EventKind, recordEvents } from '../events.ts'
import type { AccountsDeps } from './deps.ts'
import { checkPassword, checkUserName } from './names.ts'
import {
  type AccessMode,
  type LockedUser,
  lockUser,
  renameUser,
  type User,
  updateUser,
  upsertProfile,
} from './queries.ts'

/** What is left out stays. `profile` is JSON that clients keep with the user, the whole of it. */
export type UserChange = {
  name?: string | undefined
  password?: string | undefined
  isEnabled?: boolean | undefined
  accessMode?: AccessMode | undefined
  profile?: string | undefined
}

/**
 * Changes a user in one transaction. Another password, being disabled or enabled and another way to log in void every
 * token and session. Throws `parameter_invalid`, `user_exists`, `user_unknown` or `too_many_requests`.
 */
export async function changeUser(
  { db, clock, passwords }: Pick<AccountsDeps, 'db' | 'clock' | 'passwords'>,
  by: Requester<Actor>,
  { user, change }: { user: User; change: UserChange },
): Promise<void> {
  const name = change.name === undefined ? undefined : checkUserName(change.name)
  const passwordHash = change.password === undefined ? undefined : await passwords.hash(checkPassword(change.password))
  const atMs = clock.nowMs()
  await db.write(async tx => {
    const now = await lockUser(tx, db.engine, user)
    if (!now)
      throw new DomainError('user_unknown', `there is no user ${user.name} in this account`, { user: user.name })
    if (name !== undefined && name !== now.name) await rename(tx, user, name)
    if (changesProofs(now, change)) {
      await updateUser(tx, user, {
        ...(passwordHash !== undefined && { passwordHash }),
        ...(change.isEnabled !== undefined && { isEnabled: change.isEnabled }),
        ...(change.accessMode !== undefined && { accessMode: change.accessMode }),
      })
    }
    if (change.profile !== undefined) await upsertProfile(tx, user.id, change.profile)
    await recordEvents(tx, by, eventsOf(now, change, atMs))
  })
}

/** What is as it was needs no new login: clients send all that they know of a user back. */
function changesProofs(user: LockedUser, { password, isEnabled, accessMode }: UserChange): boolean {
  return (
    password !== undefined ||
    (isEnabled !== undefined && isEnabled !== user.isEnabled) ||
    (accessMode !== undefined && accessMode !== user.accessMode)
  )
}

async function rename(tx: Transaction, user: User, name: string): Promise<void> {
  await renameUser(tx, user, name).catch(cause => {
    if (!isUniqueViolation(cause)) throw cause
    throw new DomainError('user_exists', `there is a user ${name} already`, { user: name }, { cause })
  })
}

function eventsOf(user: LockedUser, change: UserChange, atMs: number): Event[] {
  const kinds: EventKind[] = []
  if (change.password !== undefined) kinds.push('user.password-changed')
  if (change.isEnabled !== undefined && change.isEnabled !== user.isEnabled) {
    kinds.push(change.isEnabled ? 'user.enabled' : 'user.disabled')
  }
  const others = [change.name, change.accessMode, change.profile]
  if (others.some(each => each !== undefined)) kinds.push('user.updated')
  const detail = { userId: user.id, user: user.name }
  return kinds.map(kind => ({ kind, atMs, accountId: user.accountId, detail }))
}
