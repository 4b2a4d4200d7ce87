import type { Database, Transaction } from '../../metadata/database.ts'
import { type Digest, digestFromBytes } from '../../protocol/oci/digest.ts'
import { holdPreconditions, type Preconditions } from '../../protocol/oci/entity-tags.ts'
import { DomainError } from '../errors.ts'
import { holdTags } from './queries.ts'

/**
 * Compare and swap: throws `precondition_failed` unless the tag is what the request wants it to be, and holds its row
 * until the transaction ends. That a tag which is not there stays so is for who makes one: pushes hold their repository.
 */
export async function requireTagState(
  tx: Transaction,
  engine: Database['engine'],
  key: { repositoryId: number; tag: string },
  wanted: Preconditions,
): Promise<void> {
  const bytes = (await holdTags(tx, engine, { repositoryId: key.repositoryId, tags: [key.tag] })).get(key.tag)
  requireState(wanted, bytes && digestFromBytes(bytes), `the tag ${key.tag}`)
}

/** Throws `precondition_failed`; the detail says what is there. `what` begins its sentence. */
export function requireState(wanted: Preconditions, found: Digest | undefined, what: string): void {
  const failed = holdPreconditions(wanted, found)
  if (failed === 'hold') return
  const is = found === undefined ? 'is not there' : `is ${found}`
  const header = failed === 'if-match' ? 'If-Match names something else' : 'If-None-Match excludes that'
  throw new DomainError('precondition_failed', `${what} ${is}, and ${header}`, found === undefined ? {} : { found })
}

/** True when the request wants something to be so or not so. */
export function hasPreconditions({ ifMatch, ifNoneMatch }: Preconditions): boolean {
  return ifMatch !== undefined || ifNoneMatch !== undefined
}
