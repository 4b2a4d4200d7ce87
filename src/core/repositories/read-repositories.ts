import type { Database } from '../../metadata/database.ts'
import { readTotals, type TotalOwner } from '../totals.ts'
import { findRepositories } from './queries.ts'

/** A repository as it is shown. */
export type Repository = {
  id: number
  accountId: string
  organizationId: number
  organization: string
  name: string
  isPublic: boolean
  /** Empty where none was ever set. */
  category: string
  description: string
  creatorId: string
  creatorName: string
  createdMs: number
  updatedMs: number
  sizeBytes: number
  tagCount: number
  pullCount: number
}

/** Live repositories in the order of the ids, without those that are gone. A constant number of queries. */
export async function readRepositories(
  { read }: Pick<Database, 'read'>,
  ids: readonly number[],
): Promise<Repository[]> {
  const [rows, totals] = await Promise.all([findRepositories(read, ids), readTotals(read, ids.map(ownerOf))])
  const byId = new Map(rows.map(row => [row.id, row]))
  return ids.flatMap(id => {
    const row = byId.get(id)
    if (!row) return []
    return {
      id,
      accountId: row.account_id,
      organizationId: row.organization_id,
      organization: row.organization,
      name: row.name,
      isPublic: row.is_public === 1,
      category: row.category,
      description: row.description ?? '',
      creatorId: row.creator_id,
      creatorName: row.creator_name,
      createdMs: row.created_ms,
      updatedMs: row.updated_ms,
      sizeBytes: totals(ownerOf(id), 'bytes'),
      tagCount: totals(ownerOf(id), 'tags'),
      pullCount: totals(ownerOf(id), 'pulls'),
    }
  })
}

function ownerOf(repositoryId: number): TotalOwner {
  return `repository:${repositoryId}`
}
