import type { Database, Reader } from '../../metadata/database.ts'
import { flag } from '../../metadata/tables.ts'
import type { Actor, Requester } from '../caller.ts'
import type { Clock } from '../clock.ts'
import { DomainError } from '../errors.ts'
import { recordEvent } from '../events.ts'
import { type ChosenRow, findChoices, listChoices, updateChoices } from './queries.ts'

/** What an organization has otherwise than the installation; undefined: as the installation says. */
export type Choices = { sparseManifests: boolean | undefined }

export type ChoosingOrganization = { id: number; name: string; accountName: string; choices: Choices }

/** Sets all choices of an organization, for those who run the installation. Throws `organization_unknown`. */
export async function setChoices(
  { db, clock }: { db: Database; clock: Clock },
  by: Requester<Actor>,
  name: string,
  choices: Choices,
): Promise<ChoosingOrganization> {
  const { sparseManifests } = choices
  return db.write(async tx => {
    const changed = await updateChoices(tx, name, {
      sparse_manifests: sparseManifests === undefined ? null : flag(sparseManifests),
    })
    if (!changed) throw noSuchOrganization(name)
    await recordEvent(tx, by, {
      kind: 'organization.updated',
      atMs: clock.nowMs(),
      accountId: changed.account_id,
      organizationId: changed.id,
      detail: { organization: name, ...(sparseManifests !== undefined && { sparseManifests }) },
    })
    return getChoosing(tx, name)
  })
}

/** Throws `organization_unknown`. */
export async function getChoosing(db: Reader, name: string): Promise<ChoosingOrganization> {
  const row = await findChoices(db, name)
  if (!row) throw noSuchOrganization(name)
  return choosingFrom(row)
}

/** Every organization of the installation, by name. */
export async function listChoosing(db: Reader, page: { limit: number }): Promise<ChoosingOrganization[]> {
  return (await listChoices(db, page)).map(choosingFrom)
}

function choosingFrom(row: ChosenRow): ChoosingOrganization {
  const { id, name, account_name, sparse_manifests } = row
  const choices = { sparseManifests: sparse_manifests === null ? undefined : sparse_manifests === 1 }
  return { id, name, accountName: account_name, choices }
}

function noSuchOrganization(name: string): DomainError {
  return new DomainError(
    'organization_unknown',
    `there is no organization ${name}: stower organization list shows them`,
  )
}
