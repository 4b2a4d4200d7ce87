import type { Database } from '../../metadata/database.ts'
import { AnswerMemory } from '../answer-memory.ts'
import type { Caller } from '../caller.ts'
import type { Clock } from '../clock.ts'
import { DomainError, type ErrorCode } from '../errors.ts'
import { type Action, type Decision, decide, type Looked, type Refused, seesOrganization } from './decide.ts'
import type { Facts } from './facts.ts'
import { readMaintenance } from './maintenance.ts'
import { factsQuery, type Place } from './queries.ts'
import { openSwitches, type Switches } from './switches.ts'

/** Reads facts and decides: the door that every command of core goes through. */
export type Access = {
  /** What holds for this caller at this place now. */
  facts: (caller: Caller, place?: Place) => Promise<Facts>

  /**
   * Facts of a caller who may do this. Throws `credentials_invalid`, `unauthenticated`, `organization_unknown`,
   * `repository_unknown`, `denied`, `scope_insufficient`, `read_only` or `deletion_disabled`.
   */
  require: (caller: Caller, action: Action, place?: Place) => Promise<Facts>

  /** True while nothing may be changed, for work that nobody asks for. */
  isReadOnly: () => Promise<boolean>
}

/** `configured`: what the settings say; `stower maintenance` says the rest, in the metadata. */
export function openAccess(deps: { db: Database; clock: Clock }, configured: Switches = openSwitches): Access {
  const { db, clock } = deps
  const ask = factsQuery(deps, configured)
  const memory = new AnswerMemory<Facts>(db, 'rights', { clock, endOf: facts => facts.repository?.sharedUntilMs })
  // No name holds a slash but that of a repository, so no two places read alike.
  const nameOf = (place: Place | undefined) => pathOf(place) ?? place?.organization ?? ''
  const facts = (caller: Caller, place?: Place) => memory.answer(caller, nameOf(place), () => ask(caller, place))
  return {
    facts,
    isReadOnly: async () => configured.readOnlyReason !== undefined || (await readMaintenance(db.read)) !== undefined,
    require: async (caller, action, place) => {
      const found = await facts(caller, place)
      requireAllowed(decide(caller, action, found, pathOf(place)), found, place)
      return found
    },
  }
}

/** What a rule said, as logs and `stower explain` show it. */
export function lookedLine({ rule, holds, because }: Looked): string {
  return `${holds ? 'yes' : 'no'}: ${rule} (${because})`
}

/** The full name that docker scopes are written with. */
export function pathOf(place: Place | undefined): string | undefined {
  return place?.repository === undefined ? undefined : `${place.organization}/${place.repository}`
}

/**
 * Turns a refusal into the error that leaves core. An object that is not there and one of which the caller sees nothing
 * give the same error (invariant 4); what a caller sees but may not touch is `denied`.
 */
export function requireAllowed(decision: Decision, facts: Facts, place: Place | undefined): void {
  if (decision.isAllowed) return
  switch (decision.refusal) {
    case 'void':
      throw refusedWith(decision, 'credentials_invalid', 'the login is expired or revoked: log in again')
    case 'anonymous':
      throw refusedWith(decision, 'unauthenticated', 'log in first', place)
    case 'scope':
      throw refusedWith(decision, 'scope_insufficient', decision.reasons.join('; '), place)
    case 'denied':
      throw refusedWith(decision, 'denied', deniedSentence(decision, place), place)
    case 'read-only':
      throw refusedWith(decision, 'read_only', decision.reasons.join('; '))
    case 'deletion-off':
      throw refusedWith(decision, 'deletion_disabled', decision.reasons.join('; '))
    case 'absent': {
      const organization = place?.organization ?? ''
      if (place?.repository !== undefined && seesOrganization(facts)) {
        throw refusedWith(decision, 'repository_unknown', `there is no repository ${pathOf(place)}`, place)
      }
      throw refusedWith(
        decision,
        'organization_unknown',
        `there is no organization ${organization}, or you have no right in it: create it first, or ask for a grant`,
        place,
      )
    }
  }
}

/** `looked` is for the log alone: who is refused learns no more of rights than the sentence says. */
function refusedWith(refused: Refused, code: ErrorCode, message: string, place?: Place): DomainError {
  const looked = [...refused.looked.map(lookedLine), `so: ${refused.reasons.join('; ')}`]
  return new DomainError(code, message, { place, looked })
}

function deniedSentence({ asked }: Refused, place: Place | undefined): string {
  const organization = place?.organization ?? 'the account'
  const object = (asked?.on === 'repository' ? pathOf(place) : undefined) ?? organization
  return `you may see ${object} but not ${asked?.doing ?? 'do this'}: ask who manages ${organization} for the right`
}
