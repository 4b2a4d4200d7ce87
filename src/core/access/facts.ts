import type { Role } from '../../protocol/iam/roles.ts'
import type { Level } from './level.ts'
import type { Switches } from './switches.ts'

/**
 * What `decide` goes by: the caller's standing, the object's place and what the installation takes at all, read in one
 * query at the time of the request.
 */
export type Facts = {
  standing: Standing
  organization: OrganizationFacts | undefined
  repository: RepositoryFacts | undefined
  /** Everything open where only reads are asked about, which no switch refuses. */
  switches: Switches
}

export type Standing =
  | { kind: 'anonymous' }
  /** The user or key behind the proof is gone, disabled, or has moved on since. */
  | { kind: 'void' }
  | {
      kind: 'current'
      userId: string
      accountId: string
      role: Role
      /** Manages everything of the account by office, as the role says. */
      isAdministrator: boolean
    }

export type OrganizationFacts = {
  id: number
  accountId: string
  /** The caller's own grant; 0 for none. */
  level: Level | 0
  /** The caller holds a grant on at least one of its repositories. */
  hasRepositoryGrant: boolean
}

export type RepositoryFacts = {
  id: number
  isPublic: boolean
  level: Level | 0
  /** The moment at which the share with the caller's account ends; undefined where there is none, or it has ended. */
  sharedUntilMs: number | undefined
}
