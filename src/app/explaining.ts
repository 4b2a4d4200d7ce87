import { lookedLine, openAccess } from '../core/access/access.ts'
import { type Action, actions, explain } from '../core/access/decide.ts'
import type { Facts } from '../core/access/facts.ts'
import type { Switches } from '../core/access/switches.ts'
import { findUser, type User } from '../core/accounts/queries.ts'
import { anonymous, type Caller } from '../core/caller.ts'
import { DomainError } from '../core/errors.ts'
import { actionOfPush } from '../core/repositories/push-target.ts'
import type { Installation } from './installation.ts'

export type Question = {
  /** Of the user's account; undefined for nobody in particular. */
  user: { accountId: string; name: string } | undefined
  action: string
  organization: string | undefined
  /** With its organization: `group/app`. */
  repository: string | undefined
}

export type Explained =
  | { kind: 'actions'; actions: readonly string[] }
  | {
      kind: 'decision'
      who: string
      action: string
      what: string
      isAllowed: boolean
      reasons: readonly string[]
      looked: readonly string[]
    }

/** Asks the one decision as a request of that user would, and tells all it looked at. Throws `user_unknown`, `parameter_invalid`. */
export async function explainDecision(
  { db, clock }: Pick<Installation, 'db' | 'clock'>,
  switches: Switches,
  question: Question,
): Promise<Explained> {
  if (question.action === 'list') return { kind: 'actions', actions }
  const place = placeOf(question)
  const user = question.user && (await findUser(db.read, question.user.accountId, question.user))
  if (question.user && !user) throw new DomainError('user_unknown', `there is no user ${question.user.name}`)
  const caller = user ? callerOf(user) : anonymous
  const facts = await openAccess({ db, clock }, switches).facts(caller, place)
  const action = actionOf(question.action, facts)
  const path = place?.repository === undefined ? undefined : `${place.organization}/${place.repository}`
  const { decision, looked } = explain(caller, action, facts, path)
  return {
    kind: 'decision',
    who: user ? `${user.accountName}/${user.name}` : 'nobody in particular',
    action,
    what: path ?? place?.organization ?? 'in the account',
    isAllowed: decision.isAllowed,
    reasons: decision.reasons,
    looked: looked.map(lookedLine),
  }
}

function placeOf({ organization, repository }: Question) {
  if (repository === undefined) return organization === undefined ? undefined : { organization }
  const slash = repository.indexOf('/')
  if (slash > 0) return { organization: repository.slice(0, slash), repository: repository.slice(slash + 1) }
  throw new DomainError('parameter_invalid', 'write the repository with its organization: group/app')
}

/** What docker calls it, or the action itself. */
function actionOf(text: string, facts: Facts): Action {
  if (text === 'push') return actionOfPush(facts)
  const short: Readonly<Record<string, Action>> = { pull: 'repository.pull', delete: 'content.delete' }
  const action = short[text] ?? actions.find(each => each === text)
  if (action) return action
  throw new DomainError('parameter_invalid', `there is no action ${text}: stower explain --action list shows them`)
}

/** As a login proves it now. */
function callerOf(user: User): Caller {
  return {
    kind: 'user',
    userId: user.id,
    userName: user.name,
    accountId: user.accountId,
    accountName: user.accountName,
    userEpoch: user.epoch,
  }
}
