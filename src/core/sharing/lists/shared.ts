import type { ListedRepository } from '../../repositories/list/list-repositories.ts'
import type { Repository } from '../../repositories/read-repositories.ts'

/** What lists of shared repositories are asked for. */
export type SharedFilter = {
  /** The organization's whole name. */
  organization?: string
  organizationContains?: string
  nameContains?: string
  /** The whole name of the account that shares it. */
  ownerName?: string
  /** Only what a share makes readable now, or only what is shared and no share makes so any more. */
  isValid?: boolean
}

/** A repository of such a list: whose it is, and whether a share of it counts now. */
export type Shared<R extends Repository = ListedRepository> = R & { ownerName: string; isValid: boolean }
