import type { Database } from '../../metadata/database.ts'
import type { Access } from '../access/access.ts'
import type { Place } from '../access/queries.ts'
import type { QuotaKind } from '../access/switches.ts'
import type { Caller } from '../caller.ts'
import { DomainError } from '../errors.ts'
import { readTotals, type TotalOwner } from '../totals.ts'
import { hasProject } from './queries.ts'
import { requireAccount } from './require-account.ts'

/** `limit` is undefined where there may be any number. */
export type Quota = { kind: QuotaKind; limit: number | undefined; used: number }

type Deps = { db: Database; access: Access }

/**
 * The quotas of the caller's account and, where a repository is named, of its tags. Throws `denied` for another project
 * than the caller's, and what `Access.require` throws.
 */
export async function readQuotas(
  deps: Deps,
  caller: Caller,
  asked: { projectId: string; place?: Required<Place> },
): Promise<Quota[]> {
  const { db, access } = deps
  const accountId = await requireOwnProject(deps, caller, asked.projectId)
  const { repository, switches } = await factsOf(access, caller, asked.place)
  const account = `account:${accountId}` as const
  const owned: [QuotaKind, TotalOwner][] = [
    ['organizations', account],
    ['repositories', account],
    ...(repository ? ([['tags', `repository:${repository.id}`]] as [QuotaKind, TotalOwner][]) : []),
  ]
  const totals = await readTotals(
    db.read,
    owned.map(([, owner]) => owner),
  )
  return owned.map(([kind, owner]) => ({ kind, limit: switches.quotas[kind], used: totals(owner, kind) }))
}

/**
 * The caller's account, where the project is the one that the proof is scoped to or, of a proof that is scoped to none, any
 * of the account. Throws `denied`: of a project of another account and of one that is not there alike.
 */
export async function requireOwnProject({ db, access }: Deps, caller: Caller, projectId: string): Promise<string> {
  const accountId = await requireAccount(access, caller)
  const scoped = caller.kind === 'user' ? caller.projectId : undefined
  const isOwn = scoped === undefined ? await hasProject(db.read, accountId, projectId) : scoped === projectId
  if (isOwn) return accountId
  throw new DomainError('denied', 'the project in the path is not the one you are logged in to', {
    isForeign: true,
    reason: 'use the project id of the login',
  })
}

function factsOf(access: Access, caller: Caller, place: Required<Place> | undefined) {
  return place ? access.require(caller, 'repository.view', place) : access.facts(caller)
}
