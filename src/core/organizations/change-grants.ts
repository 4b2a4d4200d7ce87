import type { Transaction } from '../../metadata/database.ts'
import { isForeignKeyViolation } from '../../metadata/dialects.ts'
import { type Level, parseLevel } from '../access/level.ts'
import type { Place } from '../access/queries.ts'
import type { Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { type EventKind, recordEvents } from '../events.ts'
import type { Deps } from './deps.ts'
import { findUsersOfAccount, type GrantRow } from './queries.ts'

/** A right for a user by id; the name has to be that user's. */
export type NewGrant = { userId: string; userName: string; level: Level }

/** A right as it is shown. */
export type Grant = { userId: string; userName: string; level: Level }

/** Where rights change: an organization or a repository, resolved for a caller who may change them. */
export type ChangedPlace = {
  place: Place
  accountId: string
  organizationId: number
  repositoryId?: number
  granted: EventKind
  revoked: EventKind
  /** The users that got a row; those who had one are not among them. */
  insert: (tx: Transaction, rows: readonly LevelRow[]) => Promise<string[]>
  /** The rows that were there, removed. */
  take: (tx: Transaction, userIds: readonly string[]) => Promise<LevelRow[]>
  /** What is thrown when the place itself went away meanwhile. */
  gone: (cause: unknown) => DomainError
}

export type LevelRow = { user_id: string; level: number; created_ms: number }

/** New rights for users without one, in one transaction. Throws `grant_exists`, `user_unknown`, `parameter_invalid`. */
export async function addGrants(
  { db, clock }: Pick<Deps, 'db' | 'clock'>,
  by: Requester,
  { at, grants }: { at: ChangedPlace; grants: readonly NewGrant[] },
): Promise<void> {
  refuseRepeatedUsers(grants)
  const nowMs = clock.nowMs()
  await db.write(async tx => {
    await requireGrantees(tx, at.accountId, grants)
    const rows = grants.map(({ userId, level }) => ({ user_id: userId, level, created_ms: nowMs }))
    const added = await insertRows(tx, at, rows)
    if (added.length < grants.length) {
      throw new DomainError('grant_exists', 'a user of the list has a permission here already: change it instead', {
        place: at.place,
      })
    }
    await recordEvents(tx, by, grantedEvents(at, grants, nowMs))
  })
}

/** Other levels for users with a right, in one transaction. Throws `grant_unknown`, `user_unknown`, `parameter_invalid`. */
export async function changeGrants(
  { db, clock }: Pick<Deps, 'db' | 'clock'>,
  by: Requester,
  { at, grants }: { at: ChangedPlace; grants: readonly NewGrant[] },
): Promise<void> {
  refuseRepeatedUsers(grants)
  const levels = new Map(grants.map(grant => [grant.userId, grant.level]))
  await db.write(async tx => {
    await requireGrantees(tx, at.accountId, grants)
    // Taken and put back, so that a right that is revoked at the same time is not given again.
    const taken = await takeRows(tx, at, [...levels.keys()])
    const rows = taken.map(row => ({ ...row, level: levels.get(row.user_id) ?? row.level }))
    if (rows.length > 0) await insertRows(tx, at, rows)
    await recordEvents(tx, by, grantedEvents(at, grants, clock.nowMs()))
  })
}

/** No right any more, in one transaction. Throws `grant_unknown`. */
export async function removeGrants(
  { db, clock }: Pick<Deps, 'db' | 'clock'>,
  by: Requester,
  { at, userIds }: { at: ChangedPlace; userIds: readonly string[] },
): Promise<void> {
  const wanted = [...new Set(userIds)]
  const atMs = clock.nowMs()
  await db.write(async tx => {
    await takeRows(tx, at, wanted)
    await recordEvents(
      tx,
      by,
      wanted.map(userId => ({ ...eventAt(at, atMs), kind: at.revoked, detail: { ...namesOf(at.place), userId } })),
    )
  })
}

/** Grants of everybody else, as they are shown beside the caller's own. */
export function othersOf(rows: readonly GrantRow[], userId: string): Grant[] {
  const others: Grant[] = []
  for (const row of rows) {
    const level = parseLevel(row.level)
    if (level !== undefined && row.user_id !== userId)
      others.push({ userId: row.user_id, userName: row.user_name, level })
  }
  return others
}

/** Which of two levels should count? */
function refuseRepeatedUsers(grants: readonly NewGrant[]): void {
  if (new Set(grants.map(grant => grant.userId)).size === grants.length) return
  throw new DomainError('parameter_invalid', 'a user is named twice', { parameter: 'user_id' })
}

/** A user of another account and one that is not there look alike. */
async function requireGrantees(tx: Transaction, accountId: string, grants: readonly NewGrant[]): Promise<void> {
  const ids = grants.map(grant => grant.userId).filter(isUserId)
  const names = new Map((await findUsersOfAccount(tx, accountId, ids)).map(user => [user.id, user.name]))
  if (grants.every(grant => names.get(grant.userId) === grant.userName)) return
  throw new DomainError('user_unknown', 'there is no user of this id and name in the account')
}

async function insertRows(tx: Transaction, at: ChangedPlace, rows: readonly LevelRow[]): Promise<string[]> {
  return at.insert(tx, rows).catch(cause => {
    throw isForeignKeyViolation(cause) ? at.gone(cause) : cause
  })
}

async function takeRows(tx: Transaction, at: ChangedPlace, userIds: readonly string[]): Promise<LevelRow[]> {
  const taken = await at.take(tx, userIds.filter(isUserId))
  if (taken.length === userIds.length) {
    return taken.map(({ user_id, level, created_ms }) => ({ user_id, level, created_ms }))
  }
  throw new DomainError('grant_unknown', 'a user of the list has no permission here', { place: at.place })
}

/** Ids that a user can have; what is none is never looked up. */
function isUserId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}

function grantedEvents(at: ChangedPlace, grants: readonly NewGrant[], atMs: number) {
  return grants.map(({ userId, userName, level }) => ({
    ...eventAt(at, atMs),
    kind: at.granted,
    detail: { ...namesOf(at.place), userId, user: userName, level },
  }))
}

function eventAt({ accountId, organizationId, repositoryId }: ChangedPlace, atMs: number) {
  return { atMs, accountId, organizationId, ...(repositoryId !== undefined && { repositoryId }) }
}

function namesOf({ organization, repository }: Place) {
  return repository === undefined ? { organization } : { organization, repository }
}
