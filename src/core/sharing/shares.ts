import type { Deadline } from '../../protocol/manage/deadlines.ts'
import type { Place } from '../access/queries.ts'
import { addShare, endlessMs, removeShare, type SharedRepository } from '../access/shares/change-shares.ts'
import { updateShare } from '../access/shares/queries.ts'
import { isAccountName } from '../accounts/names.ts'
import { type Account, findAccount } from '../accounts/queries.ts'
import type { Requester } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { actorOf, type Event, recordEvent } from '../events.ts'
import type { Deps } from '../organizations/deps.ts'
import { organizationOf, repositoryOf, repositoryUnknown } from '../organizations/place.ts'

/** SWR user manual, "Sharing Private Images". */
export const mostAccountsPerRepository = 500

export type ShareTerms = { deadline: Deadline; description: string }

/**
 * Lets every user of another account pull from a private repository until the deadline, which may be over already. Throws
 * `share_exists`; `parameter_invalid` for an account that isn't there or is the repository's own, for a public repository
 * and for one that is shared with as many accounts as it may be; and what `Access.require` throws.
 */
export async function shareRepository(
  deps: Deps,
  by: Requester,
  { place, accountName, terms }: { place: Required<Place>; accountName: string; terms: ShareTerms },
): Promise<void> {
  const of = await repositoryToShare(deps, by, place)
  const receiver = await findReceiver(deps, accountName)
  if (!receiver || receiver.id === of.accountId) {
    const reason = receiver ? 'it is the account of the image' : 'there is no such account'
    throw new DomainError('parameter_invalid', 'the account to share with is invalid', {
      parameter: 'access_domain',
      reason,
    })
  }
  const { db, clock } = deps
  const nowMs = clock.nowMs()
  const creator = actorOf(by)
  const share = {
    account_id: receiver.id,
    organization: place.organization,
    name: place.repository,
    deadline: terms.deadline.text,
    ends_ms: endOf(terms.deadline),
    description: terms.description,
    creator_id: creator.id,
    creator_name: creator.name,
    created_ms: nowMs,
    updated_ms: nowMs,
  }
  await db.write(async tx => {
    const outcome = await addShare(tx, db.engine, { of, share, most: mostAccountsPerRepository })
    if (outcome !== 'added') throw refusalOf(outcome, place)
    await recordEvent(tx, by, eventOf('repository.shared', { of, place, receiver, nowMs, terms }))
  })
}

/** New terms for a share that is there; a description that is not given stays. Throws `share_unknown`, … */
export async function changeShare(
  deps: Deps,
  by: Requester,
  {
    place,
    accountName,
    terms,
  }: { place: Required<Place>; accountName: string; terms: Pick<ShareTerms, 'deadline'> & Partial<ShareTerms> },
): Promise<void> {
  const { deadline, description } = terms
  const of = await repositoryToShare(deps, by, place)
  const receiver = await findReceiver(deps, accountName)
  if (!receiver) throw shareUnknown(place)
  const nowMs = deps.clock.nowMs()
  await deps.db.write(async tx => {
    const isThere = await updateShare(
      tx,
      { repositoryId: of.repositoryId, accountId: receiver.id },
      {
        deadline: deadline.text,
        ends_ms: endOf(deadline),
        ...(description !== undefined && { description }),
        updated_ms: nowMs,
      },
    )
    if (!isThere) throw shareUnknown(place)
    await recordEvent(tx, by, eventOf('repository.shared', { of, place, receiver, nowMs, terms }))
  })
}

/** Takes a share back: the next pull of that account finds nothing. Throws `share_unknown`, … */
export async function unshareRepository(
  deps: Deps,
  by: Requester,
  { place, accountName }: { place: Required<Place>; accountName: string },
): Promise<void> {
  const of = await repositoryToShare(deps, by, place)
  const receiver = await findReceiver(deps, accountName)
  if (!receiver) throw shareUnknown(place)
  const { db, clock } = deps
  const nowMs = clock.nowMs()
  await db.write(async tx => {
    if (!(await removeShare(tx, db.engine, { of, accountId: receiver.id }))) throw shareUnknown(place)
    await recordEvent(tx, by, eventOf('repository.unshared', { of, place, receiver, nowMs }))
  })
}

/** The account that a share names; one that is misspelled is none. */
export async function findReceiver({ db }: Pick<Deps, 'db'>, name: string): Promise<Account | undefined> {
  return isAccountName(name) ? findAccount(db.read, name) : undefined
}

async function repositoryToShare(deps: Deps, by: Requester, place: Required<Place>): Promise<SharedRepository> {
  const facts = await deps.access.require(by.caller, 'repository.share', place)
  const { id: organizationId, accountId } = organizationOf(facts, place)
  return { repositoryId: repositoryOf(facts, place).id, organizationId, accountId }
}

function endOf({ endsMs }: Deadline): number {
  return endsMs ?? endlessMs
}

function refusalOf(outcome: 'gone' | 'public' | 'exists' | 'full', place: Required<Place>): DomainError {
  switch (outcome) {
    case 'gone':
      return repositoryUnknown(place)
    case 'public':
      return new DomainError('parameter_invalid', 'the image is public: everyone may pull it already', {
        reason: 'only private images are shared',
      })
    case 'exists':
      return new DomainError('share_exists', 'the image is shared with this account already: change that', { place })
    case 'full':
      return new DomainError('parameter_invalid', 'the image is shared with as many accounts as it may be', {
        reason: `an image is shared with at most ${mostAccountsPerRepository} accounts`,
      })
  }
}

function shareUnknown(place: Required<Place>): DomainError {
  return new DomainError('share_unknown', 'the image is not shared with this account', { place })
}

function eventOf(
  kind: 'repository.shared' | 'repository.unshared',
  {
    of,
    place,
    receiver,
    nowMs,
    terms,
  }: {
    of: SharedRepository
    place: Required<Place>
    receiver: Account
    nowMs: number
    terms?: Pick<ShareTerms, 'deadline'>
  },
): Event {
  return {
    kind,
    atMs: nowMs,
    ...of,
    detail: {
      ...place,
      account: receiver.name,
      receiverId: receiver.id,
      ...(terms && { deadline: terms.deadline.text }),
    },
  }
}
