import type { Transaction } from '../metadata/database.ts'
import { insertion } from '../metadata/statement.ts'
import type { NewRow } from '../metadata/tables.ts'
import type { Actor, Requester } from './caller.ts'

/** What can happen. An event is written in the transaction of the change it tells of. */
export type EventKind =
  | 'organization.created'
  | 'organization.updated'
  | 'organization.deleted'
  | 'organization.granted'
  | 'organization.revoked'
  | 'repository.created'
  | 'repository.updated'
  | 'repository.deleted'
  | 'repository.granted'
  | 'repository.revoked'
  | 'repository.shared'
  | 'repository.unshared'
  | 'blob.pushed'
  | 'blob.mounted'
  | 'blob.deleted'
  | 'manifest.pushed'
  | 'manifest.deleted'
  | 'tag.moved'
  | 'tag.deleted'
  | 'retention.created'
  | 'retention.updated'
  | 'retention.deleted'
  | 'user.created'
  | 'user.updated'
  | 'user.deleted'
  | 'user.disabled'
  | 'user.enabled'
  | 'user.password-changed'
  | 'user.roles-changed'
  | 'second-factor.created'
  | 'second-factor.bound'
  | 'second-factor.removed'
  | 'access-key.created'
  | 'access-key.updated'
  | 'access-key.deleted'
  | 'access-key.disabled'
  | 'access-key.enabled'
  | 'temporary-key.created'
  | 'temporary-key.revoked'
  | 'account.created'
  | 'account.agency-authorized'
  | 'maintenance.began'
  | 'maintenance.ended'

export type Event = {
  kind: EventKind
  atMs: number
  /** Empty where it is about the installation as a whole. */
  accountId: string
  organizationId?: number
  repositoryId?: number
  digestBefore?: Uint8Array
  digestAfter?: Uint8Array
  /** Names as they were when it happened; small, and never a secret. */
  detail?: Readonly<Record<string, string | number | boolean>>
}

export async function recordEvent(tx: Transaction, by: Requester<Actor>, event: Event): Promise<void> {
  await recordEvents(tx, by, [event])
}

/** Writes the events of one change, in order. */
export async function recordEvents(tx: Transaction, by: Requester<Actor>, events: readonly Event[]): Promise<void> {
  await insertEvents(
    tx,
    events.map(event => rowOfEvent(by, event)),
  )
}

const insertEvents = insertion('events', [
  'at_ms',
  'account_id',
  'organization_id',
  'repository_id',
  'kind',
  'actor_id',
  'actor_name',
  'source_address',
  'request_id',
  'digest_before',
  'digest_after',
  'detail',
])

/** An event as it is stored. */
export function rowOfEvent(by: Requester<Actor>, event: Event): NewRow<'events'> {
  const actor = actorOf(by)
  return {
    at_ms: event.atMs,
    account_id: event.accountId,
    organization_id: event.organizationId ?? null,
    repository_id: event.repositoryId ?? null,
    kind: event.kind,
    actor_id: actor.id,
    actor_name: actor.name,
    source_address: by.origin.sourceAddress,
    request_id: by.origin.requestId,
    digest_before: event.digestBefore ?? null,
    digest_after: event.digestAfter ?? null,
    detail: JSON.stringify(event.detail ?? {}),
  }
}

/** Who acts, as events and history name them. */
export function actorOf({ caller }: Requester<Actor>): { id: string; name: string } {
  switch (caller.kind) {
    case 'user':
      return { id: caller.userId, name: caller.userName }
    case 'operator':
      return { id: '', name: `operator ${caller.name}` }
    case 'policy':
      return { id: '', name: caller.name }
    case 'anonymous':
      return { id: '', name: 'anonymous' }
  }
}
